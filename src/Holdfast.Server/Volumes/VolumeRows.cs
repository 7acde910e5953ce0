using Holdfast.Core.Ids;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Volumes;

/// <summary>Rows of volumes in a turn: those of a VM are asked for once, and remembered with what this writes to them.</summary>
internal sealed class VolumeRows : TurnPart, ITurnPart<VolumeRows>
{
    private const string OfVm = "vm-volumes";

    private readonly HashSet<VmId> _asked = [];

    private VolumeRows(Turn turn)
        : base(turn)
    {
    }

    /// <inheritdoc/>
    public static VolumeRows Of(Turn turn) => new(turn);

    /// <summary>The volumes of a VM, by device id.</summary>
    public Task<IReadOnlyList<VolumeRow>> OfVmAsync(VmId vm, CancellationToken cancellationToken)
    {
        _asked.Add(vm);
        return Turn.KeptAsync<IReadOnlyList<VolumeRow>>(
            OfVm, vm, async () => await Db.Volumes.Where(v => v.VmId == vm && v.Removed == null).OrderBy(v => v.DeviceId).ToListAsync(cancellationToken), typeof(VolumeRow));
    }

    /// <summary>Remembers the volumes of a VM that this turn has just made.</summary>
    public void Keep(VmId vm, IReadOnlyList<VolumeRow> volumes)
    {
        _asked.Add(vm);
        Turn.Keep(OfVm, vm, volumes, typeof(VolumeRow));
    }

    /// <summary>A volume that is there.</summary>
    public async Task<VolumeRow> GetAsync(VolumeId id, CancellationToken cancellationToken) =>
        Remembered().SelectMany(of => of.Volumes).FirstOrDefault(v => v.Id == id) ?? await Db.Volumes.SingleAsync(v => v.Id == id, cancellationToken);

    /// <summary>Writes a volume.</summary>
    public async Task SaveAsync(VolumeRow row, CancellationToken cancellationToken)
    {
        var remembered = Remembered();
        await Db.UpdateAsync(row, token: cancellationToken);
        foreach (var (vm, volumes) in remembered)
        {
            IEnumerable<VolumeRow> others = volumes.Where(v => v.Id != row.Id);
            Keep(vm, row.VmId == vm && row.Removed is null ? [.. others.Append(row).OrderBy(v => v.DeviceId)] : [.. others]);
        }
    }

    private List<(VmId Vm, IReadOnlyList<VolumeRow> Volumes)> Remembered()
    {
        var found = new List<(VmId, IReadOnlyList<VolumeRow>)>();
        foreach (var vm in _asked)
        {
            if (Turn.Kept<IReadOnlyList<VolumeRow>>(OfVm, vm, typeof(VolumeRow)) is { } volumes)
            {
                found.Add((vm, volumes));
            }
        }

        return found;
    }
}
