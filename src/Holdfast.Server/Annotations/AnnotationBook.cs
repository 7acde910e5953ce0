using Holdfast.Core.Ids;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;

namespace Holdfast.Server.Annotations;

/// <summary>Writes comments.</summary>
internal sealed class AnnotationBook : TurnPart, ITurnPart<AnnotationBook>
{
    private AnnotationBook(Turn turn)
        : base(turn)
    {
    }

    /// <inheritdoc/>
    public static AnnotationBook Of(Turn turn) => new(turn);

    /// <summary>Writes one.</summary>
    public async Task<AnnotationRow> AddAsync(Caller caller, string type, Guid entity, string text, bool adminsOnly, CancellationToken cancellationToken)
    {
        var row = new AnnotationRow
        {
            Id = new AnnotationId(Turn.NewId()),
            EntityType = type,
            EntityId = entity,
            Text = text,
            UserId = caller.UserId,
            AdminsOnly = adminsOnly,
            Created = Now,
        };
        await Db.InsertAsync(row, token: cancellationToken);
        return row;
    }
}
