using System.Text.Json.Serialization;

namespace Holdfast.Core.Ids;

/// <summary>A comment on something.</summary>
/// <param name="Value">The UUID behind the id; written lower-case with hyphens on every wire.</param>
[JsonConverter(typeof(TypedIdJsonConverter<AnnotationId>))]
public readonly record struct AnnotationId(Guid Value) : ITypedId<AnnotationId>
{
    /// <inheritdoc/>
    public static AnnotationId From(Guid value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("D");
}
