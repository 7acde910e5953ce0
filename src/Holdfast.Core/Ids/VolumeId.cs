using System.Text.Json.Serialization;

namespace Holdfast.Core.Ids;

/// <summary>A volume; a template on a pool is a sealed volume with an id of its own.</summary>
/// <param name="Value">The UUID behind the id; written lower-case with hyphens on every wire.</param>
[JsonConverter(typeof(TypedIdJsonConverter<VolumeId>))]
public readonly record struct VolumeId(Guid Value) : ITypedId<VolumeId>
{
    /// <inheritdoc/>
    public static VolumeId From(Guid value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("D");
}
