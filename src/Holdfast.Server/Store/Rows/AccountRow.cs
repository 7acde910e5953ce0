using Holdfast.Core.Ids;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>
/// An account. A project is one, too (<see cref="Project"/>): it owns what the project has, so that whose a thing is has one answer and one rule; it has no users, and nobody logs in to it.
/// </summary>
[Table("accounts")]
internal sealed record AccountRow
{
    /// <summary>The <see cref="Type"/> of a root administrator's account.</summary>
    public const int RootAdmin = 1;

    /// <summary>The <see cref="Type"/> of a project.</summary>
    public const int Project = 5;

    [PrimaryKey, Column("id")]
    public required AccountId Id { get; init; }

    /// <summary>Stands in instance names (i-NUMBER-...), as CloudStack's internal id does.</summary>
    [Column("number")]
    public required long Number { get; init; }

    [Column("name"), NotNull]
    public required string Name { get; init; }

    [Column("domain_id")]
    public required DomainId DomainId { get; init; }

    /// <summary>0 user, 1 root administrator, 2 domain administrator, 5 project.</summary>
    [Column("type")]
    public required int Type { get; init; }

    /// <summary>Its role; of the type that <see cref="Type"/> tells.</summary>
    [Column("role_id")]
    public required RoleId RoleId { get; init; }

    /// <summary>What it is for; of projects only.</summary>
    [Column("display_text")]
    public string? DisplayText { get; init; }

    /// <summary>One of <see cref="AccountStates"/>; a project that is suspended is disabled.</summary>
    [Column("state"), NotNull]
    public required string State { get; init; }

    /// <summary>The domain name of its networks, as it was asked for.</summary>
    [Column("network_domain")]
    public string? NetworkDomain { get; init; }

    /// <summary>Since when it is being disabled or deleted, and there is something left to end; null: nothing is.</summary>
    [Column("ending")]
    public DateTimeOffset? Ending { get; init; }

    /// <summary>When its deletion was asked for. It is removed when all it had is.</summary>
    [Column("deleted")]
    public DateTimeOffset? Deleted { get; init; }

    /// <summary>Whether it is a project.</summary>
    [NotColumn]
    public bool IsProject => Type == Project;

    /// <summary>The project that it is; null: it is none.</summary>
    [NotColumn]
    public ProjectId? ProjectId => IsProject ? new ProjectId(Id.Value) : null;

    /// <summary>Its id where accounts are shown; null: it is a project.</summary>
    [NotColumn]
    public AccountId? ShownId => IsProject ? null : Id;

    /// <summary>Its state as it is shown: projects have CloudStack's words for theirs.</summary>
    [NotColumn]
    public string ShownState => !IsProject ? State : Deleted is not null ? "Disabled" : State == AccountStates.Enabled ? "Active" : "Suspended";

    /// <summary>What it is called in texts, with name and id.</summary>
    [NotColumn]
    public string Named => $"{(IsProject ? "project" : "account")} {Name} ({Id})";

    /// <summary>Whether it is the account that the installation was made with.</summary>
    [NotColumn]
    public bool IsDefault => Number == 2;

    [Column("created")]
    public required DateTimeOffset Created { get; init; }

    [Column("removed")]
    public DateTimeOffset? Removed { get; init; }
}
