using Holdfast.Server.Transactions;
using LinqToDB;

namespace Holdfast.Server.Tags;

/// <summary>Tags, and comments, end with their resource.</summary>
internal sealed class TagRows : TurnPart, ITurnPart<TagRows>
{
    private TagRows(Turn turn)
        : base(turn)
    {
    }

    /// <inheritdoc/>
    public static TagRows Of(Turn turn) => new(turn);

    /// <summary>Ends all tags of a resource that is gone, and what was said of it.</summary>
    public async Task DropAsync(Guid resource, CancellationToken cancellationToken)
    {
        await Db.Tags.Where(t => t.ResourceId == resource).DeleteAsync(cancellationToken);
        await Db.Annotations.Where(a => a.EntityId == resource).DeleteAsync(cancellationToken);
    }
}
