using System.Text.Json.Serialization;

namespace Holdfast.Core.Ids;

/// <summary>A rule of a role.</summary>
/// <param name="Value">The UUID behind the id; written lower-case with hyphens on every wire.</param>
[JsonConverter(typeof(TypedIdJsonConverter<RolePermissionId>))]
public readonly record struct RolePermissionId(Guid Value) : ITypedId<RolePermissionId>
{
    /// <inheritdoc/>
    public static RolePermissionId From(Guid value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("D");
}
