using System.Xml.Linq;
using Holdfast.Core.Ids;
using Holdfast.Libvirt;

namespace Holdfast.Agent.Hypervisor;

/// <content>Disks of running guests.</content>
internal sealed partial class LibvirtHypervisor
{
    private enum Unplug
    {
        NotRunning,
        NotAttached,
        Waiting,
        Detached,
    }

    /// <inheritdoc/>
    public async Task<AttachOutcome> AttachDiskAsync(VmId machine, DomainDisk disk, CancellationToken cancellationToken)
    {
        string xml;
        try
        {
            xml = DomainXml.Disk(disk).ToString();
        }
        catch (UnfitForDomainException unfit)
        {
            return new AttachOutcome.Failed(new HypervisorFault.Refused(0, unfit.Message));
        }

        var answer = await _operations.CallAsync(Key("attach", machine), _options.DeviceDeadline, session => Attach(session, machine, disk, xml), cancellationToken);
        return answer is LibvirtResult<AttachOutcome>.Ok { Value: var outcome }
            ? outcome
            : new AttachOutcome.Failed(HypervisorFaults.Of(answer, $"attach volume {disk.Volume}"));
    }

    /// <inheritdoc/>
    public async Task<DetachOutcome> DetachDiskAsync(VmId machine, VolumeId volume, CancellationToken cancellationToken)
    {
        if (_operations.IsUnderWay(Key("attach", machine)))
        {
            // One that nobody waits for any more and that libvirt may not have begun: what libvirt says of the disk now, that one would change.
            return new DetachOutcome.Failed(new HypervisorFault.Saturated(Key("attach", machine)));
        }

        var begin = _time.GetTimestamp();
        var target = "";
        var ask = true;
        while (true)
        {
            var asking = ask;
            var answer = await _operations.CallAsync(
                Key("disk", machine), _options.DeviceDeadline, session => Detach(session, machine, volume, asking), cancellationToken);
            if (answer is not LibvirtResult<(Unplug State, string Target)>.Ok { Value: var (state, current) })
            {
                return new DetachOutcome.Failed(HypervisorFaults.Of(answer, $"detach volume {volume}"));
            }

            switch (state)
            {
                case Unplug.NotRunning:
                    return new DetachOutcome.NotRunning();
                case Unplug.NotAttached:
                    return ask ? new DetachOutcome.NotAttached() : new DetachOutcome.Detached();
                case Unplug.Detached:
                    return new DetachOutcome.Detached();
            }

            target = current;
            if (_time.GetElapsedTime(begin) >= _options.UnplugPatience)
            {
                return new DetachOutcome.GuestHolds(target);
            }

            ask = false;
            await Task.Delay(UnplugInterval, _time, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public async Task<ResizeOutcome> ResizeDiskAsync(VmId machine, VolumeId volume, long bytes, CancellationToken cancellationToken)
    {
        var answer = await _operations.CallAsync<ResizeOutcome>(
            Key("disk", machine),
            _options.DeviceDeadline,
            session =>
            {
                using var domain = session.FindDomain(machine.Value);
                if (domain is null || ReadRunning(domain) is not { } live)
                {
                    return new ResizeOutcome.NotRunning();
                }

                if (live.Disks.FirstOrDefault(disk => disk.Volume == volume) is not { } disk)
                {
                    return new ResizeOutcome.NotAttached();
                }

                domain.ResizeDisk(disk.Target, bytes);
                return new ResizeOutcome.Resized();
            },
            cancellationToken);
        return answer is LibvirtResult<ResizeOutcome>.Ok { Value: var outcome }
            ? outcome
            : new ResizeOutcome.Failed(HypervisorFaults.Of(answer, $"resize volume {volume}"));
    }

    private static AttachOutcome Attach(LibvirtSession session, VmId machine, DomainDisk disk, string xml)
    {
        using var domain = session.FindDomain(machine.Value);
        if (domain is null || ReadRunning(domain) is not { } live)
        {
            return new AttachOutcome.NotRunning();
        }

        if (live.Disks.FirstOrDefault(present => present.Volume == disk.Volume) is { } same)
        {
            return new AttachOutcome.AlreadyAttached(same.Target);
        }

        if (live.Disks.Any(present => present.Target == disk.Target))
        {
            return new AttachOutcome.TargetTaken(disk.Target);
        }

        domain.AttachLive(xml);
        return ReadRunning(domain)?.Disks.Any(present => present.Volume == disk.Volume) switch
        {
            true => new AttachOutcome.Attached(),
            false => throw new LibvirtException(new LibvirtError(LibvirtErrorCode.OperationFailed, 0, "libvirt reported success, but the guest does not have the disk")),
            null => new AttachOutcome.NotRunning(),
        };
    }

    /// <summary>
    /// Asks libvirt to detach, also when its description of the guest lacks the disk: the description does not wait for an attach under way, a detach does. So
    /// <see cref="Unplug.NotAttached"/> means that libvirt carried out no attach when it was asked, and had the disk neither then nor after.
    /// </summary>
    private static (Unplug State, string Target) Detach(LibvirtSession session, VmId machine, VolumeId volume, bool ask)
    {
        using var domain = session.FindDomain(machine.Value);
        if (domain is null || ReadRunning(domain) is not { } live)
        {
            return (Unplug.NotRunning, "");
        }

        var before = live.Disks.FirstOrDefault(present => present.Volume == volume);
        var isTaken = before is not null;
        if (ask)
        {
            try
            {
                domain.DetachLive(DiskAlias.Of(volume));
                isTaken = true;
            }
            catch (LibvirtException failure) when (failure.Error.Code == LibvirtErrorCode.DeviceMissing || (before is null && failure.Error.Code == LibvirtErrorCode.InternalError))
            {
                // Not there, or gone meanwhile: an alias that libvirt does not know is an internal error to it (9.0).
            }
            catch (LibvirtException failure) when (failure.Error.Message.Contains("already in the process of unplug", StringComparison.Ordinal))
            {
                // Asked before; the guest is still at it.
            }
        }

        return ReadRunning(domain) switch
        {
            null => (Unplug.NotRunning, ""),
            { } now when now.Disks.FirstOrDefault(present => present.Volume == volume) is { } held => (Unplug.Waiting, held.Target),
            _ => (isTaken ? Unplug.Detached : Unplug.NotAttached, before?.Target ?? ""),
        };
    }

    /// <summary>An own domain that has a process; null otherwise.</summary>
    private static OwnDomain? ReadRunning(LibvirtDomain domain)
    {
        try
        {
            var (state, reason) = domain.GetState();
            return state == LibvirtDomainState.ShutOff ? null : DomainReader.Read(XElement.Parse(domain.GetXml()), StatusOf(state, reason), TimeSpan.Zero);
        }
        catch (LibvirtException gone) when (gone.Error.Code == LibvirtErrorCode.NoDomain)
        {
            return null;
        }
    }
}
