using System.Text.Json.Serialization;

namespace Holdfast.Core.Ids;

/// <summary>One installation of an agent on a host. Made when the agent joins, new after re-imaging.</summary>
/// <param name="Value">The UUID behind the id; written lower-case with hyphens on every wire.</param>
[JsonConverter(typeof(TypedIdJsonConverter<IncarnationId>))]
public readonly record struct IncarnationId(Guid Value) : ITypedId<IncarnationId>
{
    /// <inheritdoc/>
    public static IncarnationId From(Guid value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("D");
}
