using Holdfast.Core.Ids;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>A rule of a role.</summary>
[Table("role_permissions")]
internal sealed record RolePermissionRow
{
    [PrimaryKey, Column("id")]
    public required RolePermissionId Id { get; init; }

    [Column("role_id")]
    public required RoleId RoleId { get; init; }

    /// <summary>The name of a command; a star stands for any part of one.</summary>
    [Column("rule"), NotNull]
    public required string Rule { get; init; }

    /// <summary>Whether it allows what it names, or denies it.</summary>
    [Column("allows")]
    public required bool Allows { get; init; }

    [Column("description")]
    public string? Description { get; init; }

    /// <summary>The first rule that names a command decides.</summary>
    [Column("position")]
    public required int Position { get; init; }
}
