using Holdfast.Core.Ids;
using Holdfast.Libvirt;

namespace Holdfast.Agent.Hypervisor;

/// <content>More processors and memory for running guests.</content>
internal sealed partial class LibvirtHypervisor
{
    /// <inheritdoc/>
    public Task<GrowOutcome> GrowCpusAsync(VmId machine, int cpus, CancellationToken cancellationToken) => GrowAsync(
        "cpus", machine, $"give it {cpus} processors", live => live.Cpus >= cpus, (domain, _) => domain.SetCpus(cpus), cancellationToken);

    /// <inheritdoc/>
    public async Task<GrowOutcome> GrowMemoryAsync(VmId machine, long mebibytes, CancellationToken cancellationToken) =>
        _operations.IsUnderWay(Key("memory", machine))

            // One that nobody waits for any more: what it plugs in would come on top.
            ? new GrowOutcome.Failed(new HypervisorFault.Saturated(Key("memory", machine)))
            : await GrowAsync(
                "memory",
                machine,
                $"give it {mebibytes} MiB of memory",
                live => live.MemoryMiB >= mebibytes,
                (domain, live) => domain.AttachLive(DomainXml.Memory(mebibytes - live.MemoryMiB, mebibytes).ToString()),
                cancellationToken);

    private async Task<GrowOutcome> GrowAsync(
        string operation, VmId machine, string what, Func<OwnDomain, bool> has, Action<LibvirtDomain, OwnDomain> grow, CancellationToken cancellationToken)
    {
        var answer = await _operations.CallAsync<GrowOutcome>(
            Key(operation, machine),
            _options.DeviceDeadline,
            session =>
            {
                using var domain = session.FindDomain(machine.Value);
                if (domain is null || ReadRunning(domain) is not { } live)
                {
                    return new GrowOutcome.NotRunning();
                }

                if (has(live))
                {
                    return new GrowOutcome.Done();
                }

                try
                {
                    grow(domain, live);
                }
                catch (LibvirtException) when (ReadRunning(domain) is { } now && has(now))
                {
                    // Another call of the same, which nobody waited for any more, has done it meanwhile.
                    return new GrowOutcome.Done();
                }

                return ReadRunning(domain) switch
                {
                    null => new GrowOutcome.NotRunning(),
                    var now when has(now) => new GrowOutcome.Done(),
                    _ => throw new LibvirtException(new LibvirtError(LibvirtErrorCode.OperationFailed, 0, "libvirt reported success, but the guest does not have it")),
                };
            },
            cancellationToken);
        return answer is LibvirtResult<GrowOutcome>.Ok { Value: var outcome } ? outcome : new GrowOutcome.Failed(HypervisorFaults.Of(answer, what));
    }
}
