using Holdfast.Core.Ids;
using Holdfast.DriverKit;
using Holdfast.Drivers.Linstor.Attachments;
using Holdfast.Drivers.Linstor.Devices;
using Holdfast.Drivers.Linstor.Drbd;
using Holdfast.Drivers.Linstor.Rest;
using Holdfast.Drivers.Linstor.Volumes;
using Holdfast.Protocol.Driver;

namespace Holdfast.Drivers.Linstor;

/// <content>What this host itself tells: devices, and whether I/O goes on. Nothing here asks LINSTOR.</content>
internal sealed partial class LinstorDriver
{
    /// <summary>The block devices of DRBD.</summary>
    private const uint DrbdMajor = 147;

    /// <summary>A volume's device on this host. A closed hierarchy.</summary>
    private abstract record DeviceHere
    {
        /// <summary>It has none.</summary>
        internal sealed record None : DeviceHere;

        /// <summary>Nobody tells.</summary>
        /// <param name="Reason">Why.</param>
        internal sealed record Unclear(string Reason) : DeviceHere;

        /// <summary>It is this one.</summary>
        /// <param name="Path">The path.</param>
        /// <param name="Status">What it is.</param>
        internal sealed record Device(string Path, DeviceStatus Status) : DeviceHere;
    }

    private string ByResPath(string resource) => $"{_settings.DevicePrefix}/drbd/by-res/{resource}/0";

    /// <summary>
    /// Where a resource's device is: at the link that udev makes, or, when there is none or an old one, at the number that DRBD tells for exactly this resource.
    /// </summary>
    private string DrbdPath(string name, DrbdResource? resource)
    {
        var linked = ByResPath(name);
        return resource?.Device?.Minor is { } minor
            && (!DeviceFile.TryRead(linked, out var status) || NumberObjection(linked, name, status, resource) is not null)
                ? $"{_settings.DevicePrefix}/drbd{minor}"
                : linked;
    }

    /// <summary>
    /// What speaks against a device being the resource's, by its number; null when nothing does. A device that tells what stands behind it is known by that instead.
    /// </summary>
    private string? NumberObjection(string path, string name, DeviceStatus status, DrbdResource? resource)
    {
        if (DeviceIdentity.Of(status).IsTelling)
        {
            return null;
        }

        return resource?.Device?.Minor is { } minor
            ? status.Major == DrbdMajor && status.Minor == minor ? null : $"{path} is device {status.Number}, and DRBD has {name} as {DrbdMajor}:{minor}"
            : path == ByResPath(name) ? null : $"nothing tells whether {path} is the device of {name}";
    }

    /// <summary>The device of a record, if it is still the recorded volume's. A resource of DRBD that is there is found where it is now.</summary>
    /// <param name="record">The record.</param>
    /// <param name="drbd">What DRBD says of all resources, or of this one.</param>
    private DeviceHere DeviceOf(AttachmentRecord record, DrbdAnswer drbd)
    {
        var name = VolumeName.Of(record.Volume);
        var resource = record.IsDrbd ? ResourceOf(drbd, record.Volume) : null;
        var path = resource is null ? record.Path : DrbdPath(name, resource);
        if (!DeviceFile.TryRead(path, out var status) || !status.IsBlock)
        {
            return new DeviceHere.None();
        }

        var now = DeviceIdentity.Of(status);
        if (now.ObjectionTo(name) is not null || (!record.IsDrbd && record.Identity.IsTelling && now != record.Identity))
        {
            return new DeviceHere.None();
        }

        if (!record.IsDrbd || NumberObjection(path, name, status, resource) is not { } objection)
        {
            return new DeviceHere.Device(path, status);
        }

        return drbd is DrbdAnswer.NotKnown unknown ? new DeviceHere.Unclear($"{objection} ({unknown.Reason})") : new DeviceHere.None();
    }

    /// <summary>A volume's device on this host, whether or not it is recorded. DRBD is asked only when nothing else tells.</summary>
    private async Task<DeviceHere> DeviceHereAsync(VolumeId volume, AttachmentRecord? record, CallDeadline deadline)
    {
        var name = VolumeName.Of(volume);
        var linked = ByResPath(name);
        if (record is null && DeviceFile.TryRead(linked, out var status))
        {
            return status.IsBlock ? new DeviceHere.Device(linked, status) : new DeviceHere.None();
        }

        if (record is { IsDrbd: false } || record?.Path == linked)
        {
            return DeviceOf(record, new DrbdAnswer.Resources([]));
        }

        if (!(record?.IsDrbd ?? _traits.IsDrbd))
        {
            return new DeviceHere.None();
        }

        using var limit = deadline.Limit(deadline.Left);
        var drbd = await _drbd.AskAsync(name, limit.Token);
        deadline.Cancelled.ThrowIfCancellationRequested();
        if (record is not null)
        {
            return DeviceOf(record, drbd);
        }

        return ResourceOf(drbd, volume) is { } resource && DrbdPath(name, resource) is var path && DeviceFile.TryRead(path, out var found) && found.IsBlock
            && NumberObjection(path, name, found, resource) is null
                ? new DeviceHere.Device(path, found)
                : new DeviceHere.None();
    }

    private static DrbdResource? ResourceOf(DrbdAnswer drbd, VolumeId volume)
    {
        var name = VolumeName.Of(volume);
        return (drbd as DrbdAnswer.Resources)?.List.FirstOrDefault(one => string.Equals(one.Name, name, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>Asks DRBD about one volume, and remembers since when its I/O is suspended by a request.</summary>
    private async Task<DrbdAnswer> AskAsync(VolumeId volume, CallDeadline deadline)
    {
        using var limit = deadline.Limit(deadline.Left);
        var answer = await _drbd.AskAsync(VolumeName.Of(volume), limit.Token);
        deadline.Cancelled.ThrowIfCancellationRequested();
        Remember(volume, answer);
        return answer;
    }

    /// <summary>Asks DRBD about all resources, and remembers since when I/O of ours is suspended by a request.</summary>
    private async Task<DrbdAnswer> AskAllAsync(CancellationToken cancellationToken)
    {
        var answer = await _drbd.AskAllAsync(cancellationToken);
        foreach (var resource in (answer as DrbdAnswer.Resources)?.List ?? [])
        {
            if (VolumeName.TryParse(resource.Name, out var volume))
            {
                Remember(volume, answer);
            }
        }

        return answer;
    }

    private void Remember(VolumeId volume, DrbdAnswer answer)
    {
        if (ResourceOf(answer, volume) is { SuspendedUser: true })
        {
            _suspendedSince.TryAdd(volume, _time.GetTimestamp());
        }
        else if (answer is DrbdAnswer.Resources)
        {
            _suspendedSince.TryRemove(volume, out _);
        }
    }

    /// <summary>How it stands with what is attached here, told by the host alone.</summary>
    /// <param name="DataPlane">Whether it can be read and written.</param>
    /// <param name="Waiting">Whose I/O does not go on.</param>
    /// <param name="Complaint">What is wrong with this host and costs nothing yet.</param>
    private sealed record HostState(PlaneHealth DataPlane, IReadOnlyList<WaitingVolume> Waiting, DriverError? Complaint);

    private async Task<HostState> LookAtHostAsync(string doing, CancellationToken cancellationToken)
    {
        var records = _store.All.Where(static record => record.IsAttached).ToList();
        var holds = _store.Holds.All.Where(hold => !_holding.ContainsKey(hold.Volume)).ToList();
        var drbd = holds.Count > 0 || records.Exists(static record => record.IsDrbd) ? await AskAllAsync(cancellationToken) : new DrbdAnswer.Resources([]);
        var waiting = new Dictionary<VolumeId, WaitingVolume>();
        foreach (var volume in records.Where(static record => record.IsDrbd).Select(static record => record.Volume).Concat(holds.Select(static hold => hold.Volume)))
        {
            if (ResourceOf(drbd, volume) is { } resource && WaitingOf(volume, resource) is { } waits)
            {
                waiting[volume] = waits;
            }
        }

        foreach (var hold in holds)
        {
            waiting[hold.Volume] = new WaitingVolume(
                hold.Volume,
                waiting.TryGetValue(hold.Volume, out var waits)
                    ? $"{waits.Text} (LINSTOR was asked for {hold.What} at {hold.AskedAt:u})"
                    : $"LINSTOR was asked for {hold.What} at {hold.AskedAt:u}, and nobody has seen yet that I/O goes on everywhere",
                CanResume: true);
        }

        return new HostState(
            records.Count == 0 ? PlaneHealth.Unknown : records.Select(record => HealthOf(record, drbd)).Aggregate(Worse),
            [.. waiting.Values],
            records.Exists(record => record.IsDrbd && ResourceOf(drbd, record.Volume) is not null && !DeviceFile.TryRead(ByResPath(VolumeName.Of(record.Volume)), out _))
                ? DriverFailure.Invalid(
                    $"{doing}: udev makes no links under {_settings.DevicePrefix}/drbd/by-res on this host; the udev rules of drbd-utils are missing, or the file by which LINSTOR tells drbdadm of its resources is. Devices are found by the number that DRBD tells.")
                : null);
    }

    private static PlaneHealth Worse(PlaneHealth one, PlaneHealth other) =>
        one == PlaneHealth.Down || other == PlaneHealth.Down ? PlaneHealth.Down
        : one == PlaneHealth.Unknown || other == PlaneHealth.Unknown ? PlaneHealth.Unknown : PlaneHealth.Up;

    private PlaneHealth HealthOf(AttachmentRecord record, DrbdAnswer drbd)
    {
        switch (DeviceOf(record, drbd))
        {
            case DeviceHere.None:
                return PlaneHealth.Down;
            case DeviceHere.Unclear:
                return PlaneHealth.Unknown;
        }

        // What was cut off is nobody's any more, and what a request suspended is told volume by volume: neither says anything of the storage.
        return !record.IsDrbd || _store.FindCut(record.Volume) is not null ? PlaneHealth.Up
            : drbd is DrbdAnswer.NotKnown ? PlaneHealth.Unknown
            : ResourceOf(drbd, record.Volume) is { } resource && (resource.CanResume || resource.Objection is null) ? PlaneHealth.Up : PlaneHealth.Down;
    }

    /// <summary>Why a volume's I/O waits, or null. While this process itself has something taken of it, nobody has to resume it.</summary>
    private WaitingVolume? WaitingOf(VolumeId volume, DrbdResource resource)
    {
        if (resource.Waiting is not { } reason)
        {
            return null;
        }

        return _holding.TryGetValue(volume, out var what)
            ? new WaitingVolume(volume, $"{reason}; {what} is under way", CanResume: false)
            : new WaitingVolume(volume, reason, resource.CanResume);
    }
}
