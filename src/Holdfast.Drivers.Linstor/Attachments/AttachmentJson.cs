using System.Text.Json.Serialization;

namespace Holdfast.Drivers.Linstor.Attachments;

/// <summary>JSON of the driver's own files.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AttachmentRecord))]
[JsonSerializable(typeof(PoolTraits))]
internal sealed partial class AttachmentJson : JsonSerializerContext;
