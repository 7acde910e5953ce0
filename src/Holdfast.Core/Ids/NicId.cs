using System.Text.Json.Serialization;

namespace Holdfast.Core.Ids;

/// <summary>A network interface of a VM.</summary>
/// <param name="Value">The UUID behind the id; written lower-case with hyphens on every wire.</param>
[JsonConverter(typeof(TypedIdJsonConverter<NicId>))]
public readonly record struct NicId(Guid Value) : ITypedId<NicId>
{
    /// <inheritdoc/>
    public static NicId From(Guid value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("D");
}
