using System.Threading.Channels;
using Holdfast.Core.Ids;

namespace Holdfast.Agent.Hypervisor;

/// <summary>
/// What the agent may ask of the hypervisor of its host. Machines are addressed by their UUID only, and only domains that carry Holdfast's own metadata
/// element are seen or touched: for a foreign domain the answer is the same as for none, except where a start would collide with it.
/// </summary>
/// <remarks>
/// <para>Every call is bounded: it ends with an outcome within the deadline of its kind even when the hypervisor hangs. Expected failures are outcomes;
/// an exception other than <see cref="OperationCanceledException"/> is a bug.</para>
/// <para>Cancelling ends the wait, not the work: the effect is then unknown and has to be re-read with <see cref="FindAsync"/>.</para>
/// <para>All calls are safe from any thread and may overlap. <see cref="RequestShutdownAsync"/> and <see cref="DestroyAsync"/> travel on a path of their
/// own: neither a hung start nor a slow list nor any number of stuck calls delays them.</para>
/// <para>Every call is idempotent in the sense that repeating it after an unknown effect is safe.</para>
/// </remarks>
internal interface IHypervisor : IAsyncDisposable
{
    /// <summary>The hints the hypervisor sends, for one reader. See <see cref="HypervisorEvent"/>: events may be lost, the list is the truth.</summary>
    ChannelReader<HypervisorEvent> Events { get; }

    /// <summary>Whether the hypervisor answers now, as last seen. Never blocks.</summary>
    HypervisorHealth Health { get; }

    /// <summary>Reads what this host can do: processors, memory, emulator and whether KVM really works.</summary>
    Task<DescribeOutcome> DescribeHostAsync(CancellationToken cancellationToken);

    /// <summary>Lists all own domains that have a process.</summary>
    Task<ListOutcome> ListAsync(CancellationToken cancellationToken);

    /// <summary>Reads one own domain.</summary>
    Task<FindOutcome> FindAsync(VmId machine, CancellationToken cancellationToken);

    /// <summary>
    /// Makes the domain and starts it in one step; when it fails, nothing is left of it. A domain that is already there is left alone and reported as
    /// <see cref="StartOutcome.AlreadyPresent"/> with the generation it carries.
    /// </summary>
    Task<StartOutcome> StartAsync(DomainSpec spec, CancellationToken cancellationToken);

    /// <summary>Presses the ACPI power button. The guest may take its time or ignore it; its end is seen by events and the list.</summary>
    Task<ShutdownOutcome> RequestShutdownAsync(VmId machine, CancellationToken cancellationToken);

    /// <summary>Asks the guest by ACPI to restart itself (a guest without an agent treats it as the power button and is then started anew in place).</summary>
    Task<RebootOutcome> RebootAsync(VmId machine, CancellationToken cancellationToken);

    /// <summary>Presses the reset button: the guest starts anew at once, without a chance to flush.</summary>
    Task<RebootOutcome> ResetAsync(VmId machine, CancellationToken cancellationToken);

    /// <summary>
    /// Lets a guest that stands still go on. QEMU tries the requests again that a disk failed, so of a guest whose disk is still full or sick nothing is lost: it
    /// stands still again at once.
    /// </summary>
    Task<ResumeOutcome> ResumeAsync(VmId machine, CancellationToken cancellationToken);

    /// <summary>
    /// Ends the domain and removes any definition of it, and says which of the two facts holds: nothing of the guest runs any more, or its process
    /// cannot be ended. The latter is said a short time after SIGKILL, and not before; asked again about a process that was killed, it looks whether it has ended.
    /// </summary>
    /// <param name="machine">The machine.</param>
    /// <param name="bound">
    /// How long to wait at most for a process to obey, and for an answer where there is no process to watch; about one that was killed before, how long to wait for
    /// its end, zero for one look.
    /// </param>
    /// <param name="cancellationToken">Ends the wait, not the work.</param>
    Task<DestroyOutcome> DestroyAsync(VmId machine, TimeSpan bound, CancellationToken cancellationToken);

    /// <summary>Plugs a disk into the running guest. The same disk at the same target answers <see cref="AttachOutcome.AlreadyAttached"/>.</summary>
    Task<AttachOutcome> AttachDiskAsync(VmId machine, DomainDisk disk, CancellationToken cancellationToken);

    /// <summary>
    /// Unplugs the disk that holds the volume from the running guest. The guest has to agree; until it has, the answer is
    /// <see cref="DetachOutcome.GuestHolds"/> and the disk is still in use.
    /// </summary>
    Task<DetachOutcome> DetachDiskAsync(VmId machine, VolumeId volume, CancellationToken cancellationToken);

    /// <summary>Gives the running guest so many virtual processors, up to the most that it was started with. None is taken from one that has more.</summary>
    Task<GrowOutcome> GrowCpusAsync(VmId machine, int cpus, CancellationToken cancellationToken);

    /// <summary>Gives the running guest so much memory, up to the most that it was started with. None is taken from one that has more.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="mebibytes">All that it is to have.</param>
    /// <param name="cancellationToken">Ends the wait, not the work.</param>
    Task<GrowOutcome> GrowMemoryAsync(VmId machine, long mebibytes, CancellationToken cancellationToken);

    /// <summary>Tells the running guest that the disk that holds the volume has grown.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="volume">The volume.</param>
    /// <param name="bytes">The new size of the disk, in bytes.</param>
    /// <param name="cancellationToken">Ends the wait, not the work.</param>
    Task<ResizeOutcome> ResizeDiskAsync(VmId machine, VolumeId volume, long bytes, CancellationToken cancellationToken);
}
