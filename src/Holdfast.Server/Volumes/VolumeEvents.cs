using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Volumes;

/// <summary>What the owners of volumes are told.</summary>
internal sealed class VolumeEvents : TurnPart, ITurnPart<VolumeEvents>
{
    private VolumeEvents(Turn turn)
        : base(turn)
    {
    }

    /// <inheritdoc/>
    public static VolumeEvents Of(Turn turn) => new(turn);

    /// <summary>Tells their owners that volumes are deleted.</summary>
    public Task TellDeletedAsync(IReadOnlyList<VolumeRow> volumes, string why, CancellationToken cancellationToken) =>
        TellOfVolumesAsync(EventTypes.VolumeDelete, EventLevel.Info, volumes, volume => $"Volume {volume.Name} ({volume.Id}) is deleted: {why}", cancellationToken);

    /// <summary>Tells something of each volume to its owner. The same statements for one and for many.</summary>
    public async Task TellOfVolumesAsync(string type, EventLevel level, IReadOnlyList<VolumeRow> volumes, Func<VolumeRow, string> text, CancellationToken cancellationToken)
    {
        if (volumes.Count == 0)
        {
            return;
        }

        var accounts = volumes.Select(v => v.AccountId).Distinct().ToList();
        var users = (await Db.Users.Where(u => accounts.Contains(u.AccountId)).OrderBy(u => u.Created).Select(u => new { u.AccountId, u.Id }).ToListAsync(cancellationToken)).ToLookup(u => u.AccountId, u => u.Id);

        // A project has no users: the installation says it.
        var anybody = accounts.TrueForAll(users.Contains) ? null : await Db.Users.Where(u => u.Removed == null).OrderBy(u => u.Created).Select(u => (UserId?)u.Id).FirstAsync(cancellationToken);
        await Db.InsertAllAsync(
            [
                .. volumes.Select(volume => Turn.NewEvent(
                    type,
                    level,
                    EventState.Completed,
                    text(volume),
                    volume.AccountId,
                    users[volume.AccountId].Select(u => (UserId?)u).FirstOrDefault() ?? anybody!.Value,
                    ResourceTypes.Volume,
                    volume.Id.Value,
                    volume.Name,
                    null)),
            ],
            cancellationToken);
    }
}
