using System.Text.Json.Serialization;

namespace Holdfast.Core.Ids;

/// <summary>A role: what the users of an account may do.</summary>
/// <param name="Value">The UUID behind the id; written lower-case with hyphens on every wire.</param>
[JsonConverter(typeof(TypedIdJsonConverter<RoleId>))]
public readonly record struct RoleId(Guid Value) : ITypedId<RoleId>
{
    /// <inheritdoc/>
    public static RoleId From(Guid value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("D");
}
