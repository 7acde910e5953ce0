using Holdfast.Core.Ids;
using Holdfast.Core.States;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>How much of a resource an account, or a domain with all below it, may have. Without a row the settings <c>max.account.*</c> and <c>max.domain.*</c> hold.</summary>
[Table("resource_limits")]
internal sealed record ResourceLimitRow
{
    /// <summary>The account; null: a domain's.</summary>
    [Column("account_id")]
    public AccountId? AccountId { get; init; }

    /// <summary>The domain; null: an account's.</summary>
    [Column("domain_id")]
    public DomainId? DomainId { get; init; }

    /// <summary>Of what; once for an owner.</summary>
    [Column("resource")]
    public required LimitedResource Resource { get; init; }

    /// <summary>In the resource's unit; -1: as much as one likes.</summary>
    [Column("maximum")]
    public required long Maximum { get; init; }
}
