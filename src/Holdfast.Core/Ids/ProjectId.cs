using System.Text.Json.Serialization;

namespace Holdfast.Core.Ids;

/// <summary>A project. Its account, which owns what the project has, has the same id.</summary>
/// <param name="Value">The UUID behind the id; written lower-case with hyphens on every wire.</param>
[JsonConverter(typeof(TypedIdJsonConverter<ProjectId>))]
public readonly record struct ProjectId(Guid Value) : ITypedId<ProjectId>
{
    /// <inheritdoc/>
    public static ProjectId From(Guid value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("D");
}
