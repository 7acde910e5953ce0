using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Hosts;
using Holdfast.Server.Inventories;
using Holdfast.Server.Machines;
using Holdfast.Server.Pools;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using Holdfast.Server.Volumes;
using Holdfast.Worlds.Control;
using Holdfast.Worlds.History;
using Holdfast.Worlds.Simulation;
using LinqToDB.Async;

namespace Holdfast.Worlds.Client;

/// <summary>
/// A user of the API. Calls the server's operations over a connection that breaks with the server, and polls its jobs. Above the wire's own layer (signatures,
/// parameters, envelopes), which has tests of its own.
/// </summary>
internal sealed class ApiClient(Simulator simulator, Recorder recorder, SimNode node)
{
    private static readonly TimeSpan PollFirst = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan PollAtMost = TimeSpan.FromSeconds(4);
    private int _calls;

    public Call Deploy(DeployVirtualMachine request, string what) => Job($"deployVirtualMachine {what}", (server, admin, ct) => server.Service<IVirtualMachineOperations>().DeployAsync(admin, request, ct));

    public Call StartVm(VmId vm) => Job($"startVirtualMachine {HistoryText.Short(vm.Value)}", (server, admin, ct) => server.Service<IVirtualMachineOperations>().StartAsync(admin, vm, null, ct));

    public Call StopVm(VmId vm, bool forced = false) =>
        Job($"stopVirtualMachine {HistoryText.Short(vm.Value)} forced={forced}", (server, admin, ct) => server.Service<IVirtualMachineOperations>().StopAsync(admin, vm, forced, ct));

    public Call RebootVm(VmId vm, bool forced = false) =>
        Job($"rebootVirtualMachine {HistoryText.Short(vm.Value)} forced={forced}", (server, admin, ct) => server.Service<IVirtualMachineOperations>().RebootAsync(admin, vm, forced, ct));

    public Call ScaleVm(VmId vm, ServiceOfferingId offering, string size) =>
        Job($"scaleVirtualMachine {HistoryText.Short(vm.Value)} to {size}", (server, admin, ct) => server.Service<IVirtualMachineOperations>().ScaleAsync(admin, vm, offering, GivenSize.None, ct));

    public Call DestroyVm(VmId vm, bool expunge) =>
        Job($"destroyVirtualMachine {HistoryText.Short(vm.Value)} expunge={expunge}", (server, admin, ct) => server.Service<IVirtualMachineOperations>().DestroyAsync(admin, vm, expunge, [], forced: false, ct));

    public Call CreateVolume(CreateVolume request) => Job($"createVolume {request.Name}", (server, admin, ct) => server.Service<IVolumeOperations>().CreateAsync(admin, request, ct));

    public Call AttachVolume(VolumeId volume, VmId vm) =>
        Job($"attachVolume {HistoryText.Short(volume.Value)} to {HistoryText.Short(vm.Value)}", (server, admin, ct) => server.Service<IVolumeOperations>().AttachAsync(admin, volume, vm, null, ct));

    public Call DetachVolume(VolumeId volume) =>
        Job($"detachVolume {HistoryText.Short(volume.Value)}", (server, admin, ct) => server.Service<IVolumeOperations>().DetachAsync(admin, new DetachVolume(volume, null, null), ct));

    public Call ResizeVolume(VolumeId volume, long gib) =>
        Job($"resizeVolume {HistoryText.Short(volume.Value)} {gib} GiB", (server, admin, ct) => server.Service<IVolumeOperations>().ResizeAsync(admin, new ResizeVolume(volume, gib, null, false), ct));

    public Call DeleteVolume(VolumeId volume) =>
        Make<Success>($"deleteVolume {HistoryText.Short(volume.Value)}", (server, admin, ct) => server.Service<IVolumeOperations>().DeleteAsync(admin, volume, ct), static _ => null);

    public Call CreatePool(CreateStoragePool request) =>
        Make<StoragePoolRow>($"createStoragePool {request.Name}", (server, admin, ct) => server.Service<IStoragePoolOperations>().CreateAsync(admin, request, ct), static pool => pool.Id.Value);

    public Call EnableMaintenance(PoolId pool) =>
        Job($"enableStorageMaintenance {HistoryText.Short(pool.Value)}", (server, admin, ct) => server.Service<IStoragePoolOperations>().EnableMaintenanceAsync(admin, pool, ct));

    public Call CancelMaintenance(PoolId pool) =>
        Job($"cancelStorageMaintenance {HistoryText.Short(pool.Value)}", (server, admin, ct) => server.Service<IStoragePoolOperations>().CancelMaintenanceAsync(admin, pool, ct));

    public Call DeletePool(PoolId pool, bool forced = false) =>
        Make<Success>($"deleteStoragePool {HistoryText.Short(pool.Value)} forced={forced}", (server, admin, ct) => server.Service<IStoragePoolOperations>().DeleteAsync(admin, pool, forced, ct), static _ => null);

    public Call Absolve(PoolId pool, HostId host, string reason) =>
        Make<Success>($"absolveStoragePoolBinding {HistoryText.Short(pool.Value)}", (server, admin, ct) => server.Service<IStoragePoolOperations>().AbsolveAsync(admin, pool, host, reason, ct), static _ => null);

    public Call TakeInventory(PoolId pool) =>
        Make<Success>($"takeStoragePoolInventory {HistoryText.Short(pool.Value)}", (server, admin, ct) => server.Service<IInventoryOperations>().TakeAsync(admin, pool, ct), static _ => null);

    public Call DeleteUnclaimed(PoolId pool, string name, string reason) =>
        Make<UnclaimedVolumeRow>($"deleteUnclaimedVolume {name}", (server, admin, ct) => server.Service<IInventoryOperations>().DeleteUnclaimedAsync(admin, pool, name, reason, ct), static _ => null);

    public Call PrepareHost(HostId host) => Job($"prepareHostForMaintenance {HistoryText.Short(host.Value)}", (server, admin, ct) => server.Service<IHostOperations>().PrepareForMaintenanceAsync(admin, host, ct));

    public Call CancelHost(HostId host) => Job($"cancelHostMaintenance {HistoryText.Short(host.Value)}", (server, admin, ct) => server.Service<IHostOperations>().CancelMaintenanceAsync(admin, host, ct));

    /// <summary>A call whose answer is its result.</summary>
    public Call Make<T>(string command, Func<SimNode, Caller, CancellationToken, Task<Outcome<T>>> operation, Func<T, Guid?> entity) => Begin(
        command,
        async (server, admin, ct) => await operation(server, admin, ct) switch
        {
            Outcome<T>.Done done => call => call.Accept(null, entity(done.Value)),
            Outcome<T>.Refused refused => call => call.Refuse(refused.Fault),
            _ => throw new InvalidOperationException("The hierarchy is closed."),
        });

    private Call Job(string command, Func<SimNode, Caller, CancellationToken, Task<JobOutcome>> operation) => Begin(
        command,
        async (server, admin, ct) => await operation(server, admin, ct) switch
        {
            JobOutcome.Accepted accepted => call => call.Accept(accepted.JobId, accepted.EntityId),
            JobOutcome.Refused refused => call => call.Refuse(refused.Fault),
            _ => throw new InvalidOperationException("The hierarchy is closed."),
        });

    private Call Begin(string command, Func<SimNode, Caller, CancellationToken, Task<Action<Call>>> operation)
    {
        var call = new Call(++_calls, command);
        recorder.Add(new HistoryEntry.ApiCalled(call.Number, command));
        var admin = node.Admin;
        simulator.After(simulator.Milliseconds(0.2, 2), () => node.Accept(
            refused: () => Answer(call, one => one.Lose()),
            async () =>
            {
                using var ended = node.OnEnd(() => Answer(call, one => one.Lose()));
                var answer = await operation(node, admin, CancellationToken.None);
                Answer(call, answer);
            }));
        return call;
    }

    private void Answer(Call call, Action<Call> how) => simulator.After(simulator.Milliseconds(0.2, 2), () =>
    {
        if (call.IsOver)
        {
            return;
        }

        how(call);
        recorder.Add(new HistoryEntry.ApiAnswered(call.Number, call.ToString()));
        if (call.Job is not null)
        {
            Poll(call, PollFirst);
        }
    });

    private void Poll(Call call, TimeSpan pause)
    {
        if (node is { IsUp: true, UpSince: not null })
        {
            var job = node.Read(db => db.Jobs.FirstOrDefaultAsync(j => j.Id == call.Job!.Value));
            call.JobState = job?.State ?? JobState.Failed;
            call.JobResult = job?.Result;
        }

        if (call.IsFinished)
        {
            recorder.Add(new HistoryEntry.ApiAnswered(call.Number, $"{call.Command}: {call}"));
        }
        else
        {
            // As clients do: often at first, then less and less.
            simulator.After(pause, () => Poll(call, pause * 1.3 < PollAtMost ? pause * 1.3 : PollAtMost));
        }
    }
}
