using System.Text.Json.Serialization;
using Holdfast.Drivers.Linstor.Volumes;

namespace Holdfast.Drivers.Linstor.Attachments;

/// <summary>JSON of the driver's own files.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AttachmentRecord))]
[JsonSerializable(typeof(CutRecord))]
[JsonSerializable(typeof(HoldRecord))]
[JsonSerializable(typeof(PoolTraits))]
[JsonSerializable(typeof(PendingRevert))]
internal sealed partial class AttachmentJson : JsonSerializerContext;
