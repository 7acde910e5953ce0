using System.Threading.Channels;
using Holdfast.Agent.Hypervisor;
using Holdfast.Core.Ids;

namespace Holdfast.Worlds.Plants;

/// <summary>A hypervisor seam that does something before it ends a guest, or sees guests as what they are not.</summary>
/// <param name="inner">The real one.</param>
/// <param name="beforeDestroy">Waited for before a guest is ended.</param>
/// <param name="seen">What is seen of a guest; null: what it is.</param>
internal sealed class FaultyHypervisor(IHypervisor inner, Func<CancellationToken, Task>? beforeDestroy = null, Func<OwnDomain, OwnDomain>? seen = null) : IHypervisor
{
    public ChannelReader<HypervisorEvent> Events => inner.Events;

    public HypervisorHealth Health => inner.Health;

    public Task<DescribeOutcome> DescribeHostAsync(CancellationToken cancellationToken) => inner.DescribeHostAsync(cancellationToken);

    public Task<ListOutcome> ListAsync(CancellationToken cancellationToken) => inner.ListAsync(cancellationToken);

    public async Task<FindOutcome> FindAsync(VmId machine, CancellationToken cancellationToken) =>
        await inner.FindAsync(machine, cancellationToken) is var found && found is FindOutcome.Found { Domain: var domain } && seen is not null ? new FindOutcome.Found(seen(domain)) : found;

    public Task<StartOutcome> StartAsync(DomainSpec spec, CancellationToken cancellationToken) => inner.StartAsync(spec, cancellationToken);

    public Task<ShutdownOutcome> RequestShutdownAsync(VmId machine, CancellationToken cancellationToken) => inner.RequestShutdownAsync(machine, cancellationToken);

    public Task<RebootOutcome> RebootAsync(VmId machine, CancellationToken cancellationToken) => inner.RebootAsync(machine, cancellationToken);

    public Task<RebootOutcome> ResetAsync(VmId machine, CancellationToken cancellationToken) => inner.ResetAsync(machine, cancellationToken);

    public Task<ResumeOutcome> ResumeAsync(VmId machine, CancellationToken cancellationToken) => inner.ResumeAsync(machine, cancellationToken);

    public async Task<DestroyOutcome> DestroyAsync(VmId machine, TimeSpan bound, CancellationToken cancellationToken)
    {
        await (beforeDestroy?.Invoke(cancellationToken) ?? Task.CompletedTask);
        return await inner.DestroyAsync(machine, bound, cancellationToken);
    }

    public Task<AttachOutcome> AttachDiskAsync(VmId machine, DomainDisk disk, CancellationToken cancellationToken) => inner.AttachDiskAsync(machine, disk, cancellationToken);

    public Task<DetachOutcome> DetachDiskAsync(VmId machine, VolumeId volume, CancellationToken cancellationToken) => inner.DetachDiskAsync(machine, volume, cancellationToken);

    public Task<ResizeOutcome> ResizeDiskAsync(VmId machine, VolumeId volume, long bytes, CancellationToken cancellationToken) => inner.ResizeDiskAsync(machine, volume, bytes, cancellationToken);

    public Task<GrowOutcome> GrowCpusAsync(VmId machine, int cpus, CancellationToken cancellationToken) => inner.GrowCpusAsync(machine, cpus, cancellationToken);

    public Task<GrowOutcome> GrowMemoryAsync(VmId machine, long mebibytes, CancellationToken cancellationToken) => inner.GrowMemoryAsync(machine, mebibytes, cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
