using System.Text.Json.Serialization;

namespace Holdfast.Core.Ids;

/// <summary>A disk offering.</summary>
/// <param name="Value">The UUID behind the id; written lower-case with hyphens on every wire.</param>
[JsonConverter(typeof(TypedIdJsonConverter<DiskOfferingId>))]
public readonly record struct DiskOfferingId(Guid Value) : ITypedId<DiskOfferingId>
{
    /// <inheritdoc/>
    public static DiskOfferingId From(Guid value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("D");
}
