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
        Ours,
    }

    /// <inheritdoc/>
    /// <remarks>
    /// A process that runs is ended by signals of our own, and libvirt is asked to destroy only what has ended: virDomainDestroy keeps the domain's lock until
    /// the process is gone, over a minute for one that cannot be killed.
    /// </remarks>
    public async Task<DestroyOutcome> DestroyAsync(VmId machine, TimeSpan bound, CancellationToken cancellationToken)
    {
        var begin = _time.GetTimestamp();

        // A look that takes long does not hold up the asking.
        var lookup = FindProcessAsync(machine, cancellationToken);
        await Task.WhenAny(lookup, Task.Delay(LookFirst, _time, cancellationToken));
        cancellationToken.ThrowIfCancellationRequested();
        var early = lookup.IsCompleted ? await lookup : (null, null);
        using var earlyHandle = Watch(early.Process);
        if (earlyHandle is not null)
        {
            return await EndAsync(machine, early.Process!, earlyHandle, AskOwnerAsync(machine), begin, bound, cancellationToken);
        }

        // Nothing runs, or nobody knows: libvirt may be about to start it.
        var limit = bound > _options.DaemonDestroyLimit ? bound : _options.DaemonDestroyLimit;
        var call = _stop.CallAsync(Key("destroy", machine), limit, session => Destroy(session, machine), CancellationToken.None);
        await Task.WhenAny(call, lookup);
        var (process, fault) = call.IsCompleted ? (null, null) : await lookup;
        using var handle = Watch(process);
        if (handle is not null)
        {
            return await EndAsync(machine, process!, handle, call, begin, bound, cancellationToken);
        }

        var remaining = bound - _time.GetElapsedTime(begin);
        await Task.WhenAny(call, Task.Delay(remaining > TimeSpan.Zero ? remaining : TimeSpan.Zero, _time, cancellationToken));
        cancellationToken.ThrowIfCancellationRequested();
        return call.IsCompleted
            ? await ConcludeAsync(machine, call, cancellationToken)
            : new DestroyOutcome.Failed(fault ?? new HypervisorFault.TimedOut("destroy", bound));
    }

    /// <summary>Ends a process: SIGTERM, which lets QEMU write out what it holds; SIGKILL after a while.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="process">Its process.</param>
    /// <param name="handle">The process, held.</param>
    /// <param name="owner">Whether the machine is ours. A libvirt that does not tell, or no longer knows it, leaves the word to the process, which carries our machine's UUID.</param>
    /// <param name="begin">When the destroy began.</param>
    /// <param name="bound">How long it may take.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    private async Task<DestroyOutcome> EndAsync(
        VmId machine, QemuProcess process, ProcessHandle handle, Task<LibvirtResult<Ending>> owner, long begin, TimeSpan bound, CancellationToken cancellationToken)
    {
        var asked = false;
        long? killed = _killed.TryGetValue(machine.Value, out var before) && before.Process == process ? before.At : null;
        var isLook = killed is not null;
        while (!handle.HasEnded())
        {
            var elapsed = _time.GetElapsedTime(begin);
            var answer = owner.IsCompleted ? await owner : null;
            if (answer is LibvirtResult<Ending>.Ok { Value: Ending.Foreign })
            {
                return new DestroyOutcome.Foreign($"{machine} (process {process.ProcessId})");
            }

            if (!asked && killed is null && answer is not null)
            {
                asked = true;
                handle.Terminate();
            }

            if (killed is null && (elapsed >= _options.KillAfter || elapsed >= bound))
            {
                var error = handle.Kill();
                killed = _time.GetTimestamp();
                _killed[machine.Value] = (process, killed.Value);
                LogKilled(machine, process.ProcessId, elapsed.TotalMilliseconds, Describe(answer), error);
            }
            else if (killed is { } since && _time.GetElapsedTime(since) >= _options.UninterruptibleAfter && (!isLook || elapsed >= bound))
            {
                var sleep = _processTable.DescribeSleep(process);
                LogUninterruptible(machine, process.ProcessId, elapsed.TotalSeconds, sleep);
                return new DestroyOutcome.Uninterruptible(process.ProcessId, $"it survived SIGKILL: {sleep}");
            }

            await Task.WhenAny(answer is null ? owner : Task.Delay(PollInterval, _time, cancellationToken), Task.Delay(PollInterval, _time, cancellationToken));
            cancellationToken.ThrowIfCancellationRequested();
        }

        ClearInBackground(machine);
        _own.TryRemove(machine.Value, out _);
        _killed.TryRemove(machine.Value, out _);
        return new DestroyOutcome.Gone(WasPresent: true);
    }

    /// <summary>Whether the domain is ours; what was once read of it saves the asking.</summary>
    private Task<LibvirtResult<Ending>> AskOwnerAsync(VmId machine) => _own.ContainsKey(machine.Value)
        ? Task.FromResult<LibvirtResult<Ending>>(new LibvirtResult<Ending>.Ok(Ending.Ours))
        : _stop.CallAsync(Key("owner", machine), _options.QuickDeadline, session => ReadOwner(session, machine), CancellationToken.None);

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
        LibvirtResult<Ending>.Ok { Value: Ending.Ours } => "it did not obey SIGTERM",
        LibvirtResult<Ending>.Ok => "libvirt says it has ended",
        _ => HypervisorFaults.Of(answer, "destroy").Message,
    };

    /// <summary>There is no process to watch, or libvirt has answered: what does that mean together with what the kernel says now?</summary>
    private async Task<DestroyOutcome> ConcludeAsync(VmId machine, Task<LibvirtResult<Ending>> call, CancellationToken cancellationToken)
    {
        var answer = await call;
        switch (answer)
        {
            case LibvirtResult<Ending>.Ok { Value: Ending.Foreign }:
                return new DestroyOutcome.Foreign(machine.ToString());
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

    private Ending ReadOwner(LibvirtSession session, VmId machine)
    {
        using var domain = session.FindDomain(machine.Value);
        return domain is null ? Ending.Absent : IsOwn(domain) ? Ending.Ours : Ending.Foreign;
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

    /// <summary>
    /// The guest is gone; libvirt has yet to notice. Until it has, its list is not to be believed about this machine. The destroy makes it notice, waits for
    /// its clearing up and removes a definition; with no process there is nothing left that it could wait for long.
    /// </summary>
    private void ClearInBackground(VmId machine)
    {
        var call = _stop.CallAsync(Key("destroy", machine), _options.DaemonDestroyLimit, session => Destroy(session, machine), CancellationToken.None);
        _clearing[machine.Value] = call;
        _ = ForgetAsync();

        async Task ForgetAsync()
        {
            try
            {
                await call;
            }
            finally
            {
                _clearing.TryRemove(machine.Value, out _);
            }
        }
    }
}
