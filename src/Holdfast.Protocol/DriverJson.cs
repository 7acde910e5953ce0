using System.Text.Json.Serialization;
using Holdfast.Protocol.Driver;

namespace Holdfast.Protocol;

/// <summary>JSON of the driver protocol: camel case, enums as kebab-case strings, nulls omitted, unknown members ignored on reading, missing required ones refused.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowOutOfOrderMetadataProperties = true)]
[JsonSerializable(typeof(DriverStartup))]
[JsonSerializable(typeof(DriverReady))]
[JsonSerializable(typeof(DriverInfo))]
[JsonSerializable(typeof(DriverError))]
[JsonSerializable(typeof(PoolStatus))]
[JsonSerializable(typeof(CallLog))]
[JsonSerializable(typeof(EnsureVolumeRequest))]
[JsonSerializable(typeof(ResizeVolumeRequest))]
[JsonSerializable(typeof(SealVolumeRequest))]
[JsonSerializable(typeof(EnsureSnapshotRequest))]
[JsonSerializable(typeof(RevertRequest))]
[JsonSerializable(typeof(VolumeReply))]
[JsonSerializable(typeof(VolumeList))]
[JsonSerializable(typeof(DriverAck))]
[JsonSerializable(typeof(AttachRequest))]
[JsonSerializable(typeof(CutRequest))]
[JsonSerializable(typeof(ResumeRequest))]
[JsonSerializable(typeof(AttachmentReply))]
[JsonSerializable(typeof(AttachmentList))]
[JsonSerializable(typeof(DiskSource))]
public sealed partial class DriverJson : JsonSerializerContext;
