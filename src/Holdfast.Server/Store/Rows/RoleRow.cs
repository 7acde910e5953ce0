using Holdfast.Core.Ids;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>A role: what the users of an account may do, within what its type may.</summary>
[Table("roles")]
internal sealed record RoleRow
{
    /// <summary>The role that administrators of the installation have.</summary>
    public static RoleId RootAdmin { get; } = Default(1);

    /// <summary>The role that administrators of a domain have.</summary>
    public static RoleId DomainAdmin { get; } = Default(3);

    /// <summary>The role that everybody else has.</summary>
    public static RoleId User { get; } = Default(4);

    [PrimaryKey, Column("id")]
    public required RoleId Id { get; init; }

    /// <summary>CloudStack's number of a default role, by which old clients name it; null: made by somebody.</summary>
    [Column("number")]
    public long? Number { get; init; }

    [Column("name"), NotNull]
    public required string Name { get; init; }

    /// <summary>0 user, 1 root administrator, 2 domain administrator, as accounts have it.</summary>
    [Column("type")]
    public required int Type { get; init; }

    [Column("description")]
    public string? Description { get; init; }

    [Column("created")]
    public required DateTimeOffset Created { get; init; }

    [Column("removed")]
    public DateTimeOffset? Removed { get; init; }

    /// <summary>The default role of a type of account.</summary>
    public static RoleId DefaultOf(int type) => type switch
    {
        1 => RootAdmin,
        2 => DomainAdmin,
        _ => User,
    };

    /// <summary>The default role with a number; made by the migration that made the table.</summary>
    public static RoleId Default(long number) => new(new Guid(0, 0, 0x4000, 0x80, 0, 0, 0, 0, 0, 0, (byte)number));
}
