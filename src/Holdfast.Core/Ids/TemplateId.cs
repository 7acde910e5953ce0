using System.Text.Json.Serialization;

namespace Holdfast.Core.Ids;

/// <summary>A template as users see it; its copy on a pool is a sealed volume.</summary>
/// <param name="Value">The UUID behind the id; written lower-case with hyphens on every wire.</param>
[JsonConverter(typeof(TypedIdJsonConverter<TemplateId>))]
public readonly record struct TemplateId(Guid Value) : ITypedId<TemplateId>
{
    /// <inheritdoc/>
    public static TemplateId From(Guid value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("D");
}
