using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store.Rows;

namespace Holdfast.Server.Tags;

/// <summary>A tag with what is shown of the resource's owner.</summary>
internal sealed record TagEntry
{
    /// <summary>The tag.</summary>
    public required TagRow Tag { get; init; }

    /// <summary>The resource's owner.</summary>
    public required AccountRow Account { get; init; }

    /// <summary>The owner's domain.</summary>
    public required DomainRow Domain { get; init; }
}

/// <summary>The tag object.</summary>
internal static class TagView
{
    /// <summary>Its key.</summary>
    public const string Key = "tag";

    /// <summary>The object.</summary>
    public static View<TagEntry> View { get; } = View<TagEntry>.Build(v => v
        .Text("key", "the key of the tag", e => e.Tag.Key)
        .Text("value", "the value of the tag", e => e.Tag.Value)
        .Text("resourcetype", "the kind of the resource: UserVm, Volume, Template, Project", e => e.Tag.ResourceType)
        .Uuid("resourceid", "the id of the resource", e => e.Tag.ResourceId)
        .Include(OwnerView.View, e => e.Account)
        .Id("domainid", "the id of the owner's domain", e => e.Domain.Id)
        .Text("domain", "the owner's domain", e => e.Domain.Path)
        .Text("customer", "as it was sent", e => e.Tag.Customer));
}
