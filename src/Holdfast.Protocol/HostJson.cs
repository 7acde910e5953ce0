using System.Text.Json.Serialization;
using Holdfast.Protocol.Host;

namespace Holdfast.Protocol;

/// <summary>JSON of the host document: camel case, enums as kebab-case strings, nulls omitted, unknown members ignored on reading (an older peer skips what it does not know).</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    AllowOutOfOrderMetadataProperties = true)]
[JsonSerializable(typeof(HostItem))]
[JsonSerializable(typeof(HostReport))]
[JsonSerializable(typeof(HostReportAnswer))]
[JsonSerializable(typeof(WatchMark))]
[JsonSerializable(typeof(JoinRequest))]
[JsonSerializable(typeof(JoinAnswer))]
[JsonSerializable(typeof(RenewRequest))]
[JsonSerializable(typeof(BindingSpec))]
[JsonSerializable(typeof(MachineSpec))]
[JsonSerializable(typeof(TaskSpec))]
[JsonSerializable(typeof(GuestTold))]
[JsonSerializable(typeof(HostFacts))]
[JsonSerializable(typeof(ItemReport))]
[JsonSerializable(typeof(ObligationReport))]
[JsonSerializable(typeof(IReadOnlyList<Condition>))]
public sealed partial class HostJson : JsonSerializerContext;
