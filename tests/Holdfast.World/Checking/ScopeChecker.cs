using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;
using Holdfast.Worlds.History;

namespace Holdfast.Worlds.Checking;

/// <summary>I1: a driver is asked only about volumes of its own pool, and only about those that some item told this installation of the host.</summary>
internal sealed class ScopeChecker : Checker
{
    private readonly Dictionary<VolumeId, PoolId> _pools = [];

    public override string Invariant => "I1";

    public override string? Look(HistoryEntry entry)
    {
        switch (entry)
        {
            case HistoryEntry.ItemDelivered { Item: var item }:
                Learn(item);
                return null;
            case HistoryEntry.DriverCalled { Volume: { } volume } called:
                Judged++;
                return !_pools.TryGetValue(volume, out var pool)
                    ? $"{called.Host} calls {called.Call} of pool {HistoryText.Short(called.Pool.Value)} about a volume that no item names"
                    : pool != called.Pool
                        ? $"{called.Host} calls {called.Call} of pool {HistoryText.Short(called.Pool.Value)}, but the volume is on pool {HistoryText.Short(pool.Value)}"
                        : null;
            default:
                return null;
        }
    }

    private void Learn(HostItem item)
    {
        foreach (var disk in item.Machine?.Disks ?? [])
        {
            _pools[disk.VolumeId] = disk.PoolId;
        }

        switch (item.Task)
        {
            case TaskSpec.EnsureVolume ensure:
                _pools[ensure.VolumeId] = ensure.PoolId;
                if (ensure.Source is { } source)
                {
                    _pools[source] = ensure.PoolId;
                }

                break;
            case TaskSpec.DeleteVolume delete:
                _pools[delete.VolumeId] = delete.PoolId;
                break;
            case TaskSpec.ResizeVolume resize:
                _pools[resize.VolumeId] = resize.PoolId;
                break;
            case TaskSpec.ImportTemplate import:
                _pools[import.VolumeId] = import.PoolId;
                break;
            case TaskSpec.ListVolumes list:
                foreach (var volume in list.Only)
                {
                    _pools[volume] = list.PoolId;
                }

                break;
        }
    }
}
