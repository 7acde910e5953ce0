using Holdfast.Server.Transactions;
using LinqToDB;

namespace Holdfast.Server.ResourceIcons;

/// <summary>Icons end with their resource.</summary>
internal sealed class IconRows : TurnPart, ITurnPart<IconRows>
{
    private IconRows(Turn turn)
        : base(turn)
    {
    }

    /// <inheritdoc/>
    public static IconRows Of(Turn turn) => new(turn);

    /// <summary>Ends the icon of a resource that is gone.</summary>
    public Task DropAsync(Guid resource, CancellationToken cancellationToken) => Db.ResourceIcons.Where(i => i.ResourceId == resource).DeleteAsync(cancellationToken);

    /// <summary>Ends the icons of resources that are gone.</summary>
    public Task DropAsync(IQueryable<Guid> resources, CancellationToken cancellationToken) => Db.ResourceIcons.Where(i => resources.Contains(i.ResourceId)).DeleteAsync(cancellationToken);
}
