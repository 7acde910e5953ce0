using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB;

namespace Holdfast.Server.Tags;

/// <summary>Reads tags: those of the rows of a page, and which resources have some.</summary>
internal static class TagReader
{
    /// <summary>Reads all tags of some resources: one statement for each <see cref="Listing.IdsPerQuery"/> of them.</summary>
    public static async Task<ILookup<Guid, TagEntry>> ReadAsync(StoreConnection db, IEnumerable<Guid> resources, CancellationToken cancellationToken) =>
        (await Listing.ChildrenAsync(
            resources,
            chunk =>
                from tag in db.Tags
                join account in db.Accounts on tag.AccountId equals account.Id
                join domain in db.Domains on account.DomainId equals domain.Id
                where chunk.Contains(tag.ResourceId)
                orderby tag.Key
                select new TagEntry { Tag = tag, Account = account, Domain = domain },
            cancellationToken)).ToLookup(e => e.Tag.ResourceId);

    /// <summary>The tags that a list is asked by: a resource that has any of them is meant, as CloudStack has it.</summary>
    /// <param name="db">The store.</param>
    /// <param name="tags">Keys and values; at least one.</param>
    public static IQueryable<TagRow> Any(StoreConnection db, IReadOnlyDictionary<string, string> tags) => tags
        .Select(pair =>
        {
            var (key, value) = pair;
            return db.Tags.Where(t => t.Key == key && t.Value == value);
        })
        .Aggregate((all, next) => all.Concat(next));
}
