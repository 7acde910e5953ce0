using System.Text.Json.Serialization;

namespace Holdfast.Drivers.Linstor.Drbd;

/// <summary>JSON of drbdsetup: kebab case (peer devices in snake case), unknown members ignored.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.KebabCaseLower)]
[JsonSerializable(typeof(List<DrbdResource>))]
internal sealed partial class DrbdJson : JsonSerializerContext;
