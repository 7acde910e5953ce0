using Holdfast.Core.Ids;

namespace Holdfast.DriverKit.Conformance.Driving;

/// <summary>What a case has asked a driver to make, whether or not it was made. Safe for concurrent use.</summary>
public sealed class MadeObjects
{
    private readonly Lock _gate = new();
    private readonly HashSet<VolumeId> _volumes = [];
    private readonly HashSet<(VolumeId Volume, SnapshotId Snapshot)> _snapshots = [];

    /// <summary>The volumes.</summary>
    public IReadOnlyList<VolumeId> Volumes
    {
        get
        {
            lock (_gate)
            {
                return [.. _volumes];
            }
        }
    }

    /// <summary>The snapshots.</summary>
    public IReadOnlyList<(VolumeId Volume, SnapshotId Snapshot)> Snapshots
    {
        get
        {
            lock (_gate)
            {
                return [.. _snapshots];
            }
        }
    }

    /// <summary>A volume is asked for.</summary>
    /// <param name="volume">The volume.</param>
    public void Add(VolumeId volume)
    {
        lock (_gate)
        {
            _volumes.Add(volume);
        }
    }

    /// <summary>A snapshot is asked for.</summary>
    /// <param name="volume">Its volume.</param>
    /// <param name="snapshot">The snapshot.</param>
    public void Add(VolumeId volume, SnapshotId snapshot)
    {
        lock (_gate)
        {
            _snapshots.Add((volume, snapshot));
        }
    }
}
