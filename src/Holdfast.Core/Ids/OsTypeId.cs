using System.Text.Json.Serialization;

namespace Holdfast.Core.Ids;

/// <summary>A guest operating system type.</summary>
/// <param name="Value">The UUID behind the id; written lower-case with hyphens on every wire.</param>
[JsonConverter(typeof(TypedIdJsonConverter<OsTypeId>))]
public readonly record struct OsTypeId(Guid Value) : ITypedId<OsTypeId>
{
    /// <inheritdoc/>
    public static OsTypeId From(Guid value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("D");
}
