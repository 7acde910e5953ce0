using Holdfast.Core.Ids;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>An account, or one user alone, that is in a project.</summary>
[Table("project_members")]
internal sealed record ProjectMemberRow
{
    /// <summary>The project, by its account.</summary>
    [Column("project_id")]
    public required AccountId ProjectId { get; init; }

    /// <summary>The account; of a user alone, the user's.</summary>
    [Column("account_id")]
    public required AccountId AccountId { get; init; }

    /// <summary>The user; null: all users of the account.</summary>
    [Column("user_id")]
    public UserId? UserId { get; init; }

    /// <summary>Whether it owns the project: changes it, and says who is in it.</summary>
    [Column("owns")]
    public required bool Owns { get; init; }

    [Column("created")]
    public required DateTimeOffset Created { get; init; }
}
