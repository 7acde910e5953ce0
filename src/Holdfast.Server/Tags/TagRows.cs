using Holdfast.Server.Transactions;
using LinqToDB;

namespace Holdfast.Server.Tags;

/// <summary>Tags end with their resource.</summary>
internal sealed class TagRows : TurnPart, ITurnPart<TagRows>
{
    private TagRows(Turn turn)
        : base(turn)
    {
    }

    /// <inheritdoc/>
    public static TagRows Of(Turn turn) => new(turn);

    /// <summary>Ends all tags of a resource that is gone.</summary>
    public Task DropAsync(Guid resource, CancellationToken cancellationToken) => Db.Tags.Where(t => t.ResourceId == resource).DeleteAsync(cancellationToken);
}
