using System.Text.Json.Serialization;

namespace Holdfast.Agent.Ledger;

/// <summary>JSON of the ledger's rows, sealed before it is written.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true,
    AllowOutOfOrderMetadataProperties = true)]
[JsonSerializable(typeof(ItemRow))]
[JsonSerializable(typeof(MachineRow))]
[JsonSerializable(typeof(AttachmentRow))]
[JsonSerializable(typeof(ObligationRow))]
[JsonSerializable(typeof(TaskRow))]
[JsonSerializable(typeof(BindingRow))]
internal sealed partial class LedgerJson : JsonSerializerContext;
