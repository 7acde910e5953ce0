using System.Text.Json.Serialization;

namespace Holdfast.Core.Ids;

/// <summary>A zone.</summary>
/// <param name="Value">The UUID behind the id; written lower-case with hyphens on every wire.</param>
[JsonConverter(typeof(TypedIdJsonConverter<ZoneId>))]
public readonly record struct ZoneId(Guid Value) : ITypedId<ZoneId>
{
    /// <inheritdoc/>
    public static ZoneId From(Guid value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("D");
}
