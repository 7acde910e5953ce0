using Holdfast.Core.Ids;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Api.Commands;

/// <summary>Parameters that many commands share.</summary>
internal static class CommonParameters
{
    /// <summary>Substring filter.</summary>
    public static TextParameter Keyword { get; } = Text("keyword", "list by keyword: a part of the main texts");

    /// <summary>Page number.</summary>
    public static ValueParameter<int> PageNumber { get; } = Int("page", "the page to list, from 1; needs pagesize");

    /// <summary>Rows in a page.</summary>
    public static ValueParameter<int> PageSize { get; } = Int("pagesize", "the number of rows in a page, at most 500; -1 for all rows, then without page");

    /// <summary>Filter by the owner's name.</summary>
    public static TextParameter Account { get; } = Text("account", "list resources by account; needs domainid");

    /// <summary>Filter by the owner's domain.</summary>
    public static ValueParameter<DomainId> Domain { get; } = Id<DomainId>("domainid", "list only resources that belong to the domain");

    /// <summary>Everything that the caller may see.</summary>
    public static ValueParameter<bool> ListAll { get; } = Bool("listall", "whether to list everything the caller may see; false lists the caller's own resources");

    /// <summary>Domains below too.</summary>
    public static ValueParameter<bool> IsRecursive { get; } = Bool("isrecursive", "whether to list from the domain named by domainid down");

    /// <summary>A project: whose resources are listed, or what is to own a new one.</summary>
    public static ValueParameter<ProjectId> Project { get; } = Id<ProjectId>("projectid", "the project that has it; in lists, -1 lists what projects have besides what accounts have, and without it projects are left out", minusOne: true);

    /// <summary>Filter by tags.</summary>
    public static MapParameter Tags { get; } = Map("tags", "list resources that have any of the tags: tags[0].key=KEY and tags[0].value=VALUE; VMs, volumes, templates and projects have tags, all else has none");

    /// <summary>What every list has.</summary>
    public static IReadOnlyList<ApiParameter> List { get; } = [Keyword, PageNumber, PageSize];

    /// <summary>What every list of owned resources has.</summary>
    public static IReadOnlyList<ApiParameter> OwnedList { get; } = [Keyword, PageNumber, PageSize, Account, Domain, ListAll, IsRecursive, Project, Tags];
}
