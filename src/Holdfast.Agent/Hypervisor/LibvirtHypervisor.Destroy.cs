// An adapter: it waits for threads of libvirt's lanes and for a process of the kernel, on the real clock, and is replaced as a whole in a simulation.
#pragma warning disable RS0030
using Holdfast.Core.Ids;
using Holdfast.Libvirt;

namespace Holdfast.Agent.Hypervisor;

/// <content>The end of a domain.</content>
internal sealed partial class LibvirtHypervisor
{
    private static readonly TimeSpan LookFirst = TimeSpan.FromMilliseconds(250);

    private enum Ending
    {
        Absent,
        Ended,
        Foreign,
    }

    /// <inheritdoc/>
    public async Task<DestroyOutcome> DestroyAsync(VmId machine, TimeSpan bound, CancellationToken cancellationToken)
    {
        var begin = _time.GetTimestamp();
        var limit = bound > _options.DaemonDestroyLimit ? bound : _options.DaemonDestroyLimit;

        // The process is looked for before libvirt is asked: a libvirt that ends a QEMU at once and then hangs over another domain would leave nothing to watch.
        // A look that takes long does not hold up the asking.
        var lookup = FindProcessAsync(machine, cancellationToken);
        await Task.WhenAny(lookup, Task.Delay(LookFirst, _time, cancellationToken));
        cancellationToken.ThrowIfCancellationRequested();
        using var early = lookup.IsCompleted ? Watch((await lookup).Process) : null;
        var call = _stop.CallAsync(Key("destroy", machine), limit, session => Destroy(session, machine), CancellationToken.None);

        // What libvirt says is enough when it answers at once; the process is watched beside it because libvirt looks only five times a second, waits ten
        // seconds before it kills, and may be away altogether.
        await Task.WhenAny(call, lookup);
        if (call.IsCompleted && await call is LibvirtResult<Ending>.Ok { Value: Ending.Foreign or Ending.Ended })
        {
            return await ConcludeAsync(machine, call, process: null, cancellationToken);
        }

        var (process, fault) = await lookup;
        using var late = early is null ? Watch(process) : null;
        var handle = early ?? late;
        if (handle is null)
        {
            // Nothing to watch: libvirt has the word.
            var remaining = bound - _time.GetElapsedTime(begin);
            await Task.WhenAny(call, Task.Delay(remaining > TimeSpan.Zero ? remaining : TimeSpan.Zero, _time, cancellationToken));
            cancellationToken.ThrowIfCancellationRequested();
            return call.IsCompleted
                ? await ConcludeAsync(machine, call, process: null, cancellationToken)
                : new DestroyOutcome.Failed(fault ?? new HypervisorFault.TimedOut("destroy", bound));
        }

        var killed = false;
        while (!handle.HasEnded())
        {
            var elapsed = _time.GetElapsedTime(begin);
            var answer = call.IsCompleted ? await call : null;
            if (answer is LibvirtResult<Ending>.Ok { Value: Ending.Foreign })
            {
                return await ConcludeAsync(machine, call, process, cancellationToken);
            }

            if (!killed && (answer is not null || elapsed >= _options.KillAfter || elapsed >= bound))
            {
                killed = true;
                var error = handle.Kill();
                LogKilled(machine, process!.ProcessId, elapsed.TotalMilliseconds, Describe(answer), error);
            }
            else if (killed && elapsed >= bound)
            {
                var sleep = _processTable.DescribeSleep(process!);
                LogUninterruptible(machine, process!.ProcessId, elapsed.TotalSeconds, sleep);
                return new DestroyOutcome.Uninterruptible(process.ProcessId, $"process {process.ProcessId} survived SIGKILL: {sleep}");
            }

            await Task.WhenAny(answer is null ? call : Task.Delay(PollInterval, _time, cancellationToken), Task.Delay(PollInterval, _time, cancellationToken));
            cancellationToken.ThrowIfCancellationRequested();
        }

        if (!call.IsCompleted)
        {
            ClearInBackground(machine.Value, call);
        }

        _own.TryRemove(machine.Value, out _);
        return new DestroyOutcome.Gone(WasPresent: true);
    }

    private ProcessHandle? Watch(QemuProcess? process)
    {
        var handle = process is null ? null : ProcessHandle.Open(process.ProcessId);
        if (handle is not null && !_processTable.IsSame(process!))
        {
            handle.Dispose();
            return null;
        }

        return handle;
    }

    private static string Describe(LibvirtResult<Ending>? answer) => answer switch
    {
        null => "libvirt has not answered yet",
        LibvirtResult<Ending>.Ok { Value: Ending.Absent } => "libvirt does not know the domain",
        LibvirtResult<Ending>.Ok => "libvirt says it has ended",
        _ => HypervisorFaults.Of(answer, "destroy").Message,
    };

    /// <summary>There is no process to watch, or libvirt has answered: what does that mean together with what the kernel says now?</summary>
    private async Task<DestroyOutcome> ConcludeAsync(VmId machine, Task<LibvirtResult<Ending>> call, QemuProcess? process, CancellationToken cancellationToken)
    {
        var answer = await call;
        switch (answer)
        {
            case LibvirtResult<Ending>.Ok { Value: Ending.Foreign }:
                return new DestroyOutcome.Foreign(process is null ? machine.ToString() : $"{machine} (process {process.ProcessId})");
            case LibvirtResult<Ending>.Ok { Value: Ending.Ended }:
                _own.TryRemove(machine.Value, out _);
                return new DestroyOutcome.Gone(WasPresent: true);
        }

        // A libvirt that hangs or is busy with the domain may be about to start it: then no process now means nothing.
        if (answer is not (LibvirtResult<Ending>.Ok or LibvirtResult<Ending>.Unavailable or LibvirtResult<Ending>.ConnectionLost))
        {
            return new DestroyOutcome.Failed(HypervisorFaults.Of(answer, "destroy"));
        }

        var (left, fault) = await FindProcessAsync(machine, cancellationToken);
        if (left is not null || fault is not null)
        {
            return new DestroyOutcome.Failed(fault ?? new HypervisorFault.Refused(0, $"process {left!.ProcessId} of the machine appeared while it was destroyed"));
        }

        if (answer is not LibvirtResult<Ending>.Ok)
        {
            LogGoneWithoutLibvirt(machine, HypervisorFaults.Of(answer, "destroy").Message);
        }

        _own.TryRemove(machine.Value, out _);
        return new DestroyOutcome.Gone(WasPresent: false);
    }

    private Ending Destroy(LibvirtSession session, VmId machine)
    {
        using var domain = session.FindDomain(machine.Value);
        if (domain is null)
        {
            return Ending.Absent;
        }

        if (!IsOwn(domain))
        {
            return Ending.Foreign;
        }

        try
        {
            domain.Destroy();
        }
        catch (LibvirtException notRunning) when (notRunning.Error.Code is LibvirtErrorCode.NoDomain or LibvirtErrorCode.OperationInvalid)
        {
            // It ended by itself, or is only defined.
        }

        try
        {
            if (domain.IsPersistent())
            {
                domain.Undefine();
            }
        }
        catch (LibvirtException gone) when (gone.Error.Code == LibvirtErrorCode.NoDomain)
        {
            // A transient domain goes with its process.
        }

        return Ending.Ended;
    }

    /// <summary>The guest is gone; libvirt has yet to notice. Until it has, its list is not to be believed about this machine.</summary>
    private void ClearInBackground(Guid machine, Task<LibvirtResult<Ending>> call)
    {
        _clearing[machine] = call;
        _ = ForgetAsync();

        async Task ForgetAsync()
        {
            try
            {
                await call;
            }
            finally
            {
                _clearing.TryRemove(machine, out _);
            }
        }
    }
}
