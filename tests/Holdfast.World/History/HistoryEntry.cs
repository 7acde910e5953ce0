using Holdfast.Agent.Ledger;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;

namespace Holdfast.Worlds.History;

/// <summary>Something that happened in the world. The checkers read these and nothing else. A closed hierarchy.</summary>
internal abstract record HistoryEntry
{
    private HistoryEntry()
    {
    }

    /// <summary>Virtual time since the world began.</summary>
    public TimeSpan At { get; init; }

    /// <summary>A client called the API.</summary>
    public sealed record ApiCalled(int Call, string Command) : HistoryEntry;

    /// <summary>The API answered, or the answer was lost.</summary>
    public sealed record ApiAnswered(int Call, string Answer) : HistoryEntry;

    /// <summary>An item reached the agent of a host.</summary>
    public sealed record ItemDelivered(string Host, HostItem Item) : HistoryEntry;

    /// <summary>The server took a report.</summary>
    public sealed record Reported(string Host, HostReport Report) : HistoryEntry;

    /// <summary>A host's ledger was written.</summary>
    public sealed record LedgerWritten(string Host, IReadOnlyList<LedgerChange> Changes) : HistoryEntry;

    /// <summary>A host's ledger is not what was written to it any more: these changes are all that can be read.</summary>
    public sealed record LedgerDamaged(string Host, IReadOnlyList<LedgerChange> Left) : HistoryEntry;

    /// <summary>An agent called a driver.</summary>
    public sealed record DriverCalled(string Host, PoolId Pool, int Pid, string Call, VolumeId? Volume) : HistoryEntry;

    /// <summary>A driver answered, or its caller gave up.</summary>
    public sealed record DriverAnswered(string Host, PoolId Pool, int Pid, string Call, string Answer) : HistoryEntry;

    /// <summary>A driver process began.</summary>
    public sealed record DriverStarted(string Host, PoolId Pool, int Pid) : HistoryEntry;

    /// <summary>A driver process ended.</summary>
    public sealed record DriverEnded(string Host, PoolId Pool, int Pid, string How) : HistoryEntry;

    /// <summary>The socket and state folder of a pool were removed from a host.</summary>
    public sealed record FoldersRemoved(string Host, PoolId Pool) : HistoryEntry;

    /// <summary>A volume came to be at a backend.</summary>
    public sealed record VolumeMade(PoolId Pool, VolumeId Volume, string By) : HistoryEntry;

    /// <summary>A volume was destroyed at a backend.</summary>
    public sealed record VolumeDestroyed(PoolId Pool, VolumeId Volume, string By, bool WasAttached) : HistoryEntry;

    /// <summary>A backend lost a volume that it had confirmed.</summary>
    public sealed record VolumeLost(PoolId Pool, VolumeId Volume) : HistoryEntry;

    /// <summary>A volume is at a backend without anybody having made it now: out of a backup, or a stranger's.</summary>
    public sealed record VolumeReturned(PoolId Pool, VolumeId Volume) : HistoryEntry;

    /// <summary>A volume was attached to a host.</summary>
    public sealed record VolumeAttached(PoolId Pool, VolumeId Volume, string Host, AttachMode Mode, string Path) : HistoryEntry;

    /// <summary>A volume was released from a host.</summary>
    public sealed record VolumeReleased(PoolId Pool, VolumeId Volume, string Host, AttachMode Mode) : HistoryEntry;

    /// <summary>I/O of a volume fails on a host from now on.</summary>
    public sealed record VolumeCut(PoolId Pool, VolumeId Volume, string Host) : HistoryEntry;

    /// <summary>A guest was told that what it wrote is written.</summary>
    public sealed record WriteConfirmed(PoolId Pool, VolumeId Volume, string Host, long Number) : HistoryEntry;

    /// <summary>A guest that starts reads what a volume holds.</summary>
    public sealed record ContentRead(PoolId Pool, VolumeId Volume, string Host, long Number) : HistoryEntry;

    /// <summary>An agent asked the hypervisor to start a guest.</summary>
    public sealed record StartAsked(string Host, VmId Vm, Generation Generation) : HistoryEntry;

    /// <summary>A guest runs.</summary>
    public sealed record GuestStarted(string Host, VmId Vm, Generation Generation, IReadOnlyList<GuestDisk> Disks) : HistoryEntry;

    /// <summary>A guest got or lost a disk.</summary>
    public sealed record GuestDisksChanged(string Host, VmId Vm, IReadOnlyList<GuestDisk> Disks) : HistoryEntry;

    /// <summary>An agent had the hypervisor end a guest.</summary>
    public sealed record DestroyAsked(string Host, VmId Vm) : HistoryEntry;

    /// <summary>A guest's process was sent SIGKILL and did not end at once.</summary>
    public sealed record GuestKilled(string Host, VmId Vm) : HistoryEntry;

    /// <summary>A guest stands still.</summary>
    public sealed record GuestPaused(string Host, VmId Vm, string Reason) : HistoryEntry;

    /// <summary>A guest goes on.</summary>
    public sealed record GuestResumed(string Host, VmId Vm, bool ByItsHost) : HistoryEntry;

    /// <summary>A guest was restarted in place.</summary>
    public sealed record GuestRestarted(string Host, VmId Vm) : HistoryEntry;

    /// <summary>A guest is gone.</summary>
    public sealed record GuestEnded(string Host, VmId Vm, string How) : HistoryEntry;

    /// <summary>An agent process began.</summary>
    public sealed record AgentStarted(string Host) : HistoryEntry;

    /// <summary>An agent process ended.</summary>
    public sealed record AgentEnded(string Host, string How) : HistoryEntry;

    /// <summary>A machine is off, with all that ran on it; its disk stays.</summary>
    public sealed record HostLostPower(string Host) : HistoryEntry;

    /// <summary>A machine was installed anew: nothing of before is on its disk.</summary>
    public sealed record HostReimaged(string Host) : HistoryEntry;

    /// <summary>A server node began.</summary>
    public sealed record ServerStarted : HistoryEntry;

    /// <summary>A server node ended.</summary>
    public sealed record ServerEnded(string How) : HistoryEntry;

    /// <summary>The world hurt something, or stopped doing so.</summary>
    public sealed record Fault(string What, bool Begins) : HistoryEntry;

    /// <summary>What a user sees of a VM, and what is so at the same instant.</summary>
    public sealed record VmSeen(VmId Vm, string Name, VmState State, bool Runs, bool IsToldPaused) : HistoryEntry;

    /// <summary>A job that is pending although its deadline is over for longer than a sweep takes.</summary>
    public sealed record JobOverdue(JobId Job, string Description, TimeSpan Late) : HistoryEntry;

    /// <summary>All faults were healed and everybody was given time: what is not as it should be now never will be.</summary>
    public sealed record Settled(IReadOnlyList<string> Unsettled) : HistoryEntry;

    /// <summary>Something was logged.</summary>
    public sealed record Logged(string Who, string Level, string Text) : HistoryEntry;
}

/// <summary>A disk as the guest's QEMU has it open.</summary>
internal sealed record GuestDisk(VolumeId Volume, string Path, bool ReadOnly);
