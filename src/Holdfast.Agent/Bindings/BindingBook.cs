using Holdfast.Agent.Drivers;
using Holdfast.Agent.Inventory;
using Holdfast.Agent.Ledger;
using Holdfast.Agent.Loop;
using Holdfast.Agent.Obligations;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;
using Microsoft.Extensions.Logging;

namespace Holdfast.Agent.Bindings;

/// <summary>The storage pools of this host. Follows the binding items; one supervisor and one obligation executor each.</summary>
internal sealed class BindingBook(
    AgentLoop loop, AgentLedger ledger, IDriverLauncher launcher, InventoryContext inventory, Action<PoolId> changed, ILoggerFactory logs)
{
    private readonly Dictionary<PoolId, (BindingSupervisor Supervisor, ObligationExecutor Executor)> _bindings = [];
    private bool _mayLaunch;

    /// <summary>How long I/O of a volume may wait before it is told and seen to.</summary>
    public TimeSpan SuspendedAfter { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The bindings that are not confirmed gone.</summary>
    public IEnumerable<Binding> All => _bindings.Values.Where(entry => !entry.Supervisor.IsDone).Select(entry => entry.Supervisor.Binding);

    /// <summary>The binding of a pool, or null when it is not on this host.</summary>
    public Binding? Find(PoolId pool) => _bindings.TryGetValue(pool, out var entry) && !entry.Supervisor.IsDone ? entry.Supervisor.Binding : null;

    /// <summary>
    /// Makes what the ledger says. Work for a pool finds its binding from here on and waits for its driver; drivers are started only after
    /// <see cref="LaunchDrivers"/>.
    /// </summary>
    public void Start()
    {
        foreach (var row in ledger.Tables.Items.Values.Where(row => row.Item.Kind == ItemKind.Binding).ToArray())
        {
            Follow(row.Item);
        }

        // A folder without an item is left over from a ledger that was lost. Its process may run without a leash only when it was stopped; it must not go on.
        foreach (var pool in launcher.Folders().Where(pool => ledger.Tables.Item(ItemKind.Binding, pool.Value) is null))
        {
            loop.Keep("reap", () => launcher.ReapAsync(pool, TimeSpan.FromSeconds(5)));
        }
    }

    /// <summary>Lets drivers be started: what they are told of this host is known now, or will not be for a while.</summary>
    public void LaunchDrivers()
    {
        _mayLaunch = true;
        foreach (var entry in _bindings.Values)
        {
            entry.Supervisor.Poke();
        }
    }

    /// <summary>Follows an item that was accepted.</summary>
    public void Follow(HostItem item)
    {
        var pool = new PoolId(item.Id);
        if (_bindings.TryGetValue(pool, out var entry) && !entry.Supervisor.IsDone)
        {
            entry.Supervisor.Poke();
            return;
        }

        if (item.Desired == Desired.Absent)
        {
            if (ledger.Tables.Bindings.TryGetValue(pool, out var gone))
            {
                if (gone.Generation != item.Generation)
                {
                    ledger.Note(new LedgerChange.PutBinding(gone with { Generation = item.Generation }));
                }

                return;
            }
        }
        else if (ledger.Tables.Bindings.ContainsKey(pool))
        {
            ledger.Note(new LedgerChange.DropBinding(pool));
        }

        var spec = item.Binding ?? new BindingSpec { PoolId = pool, PoolName = pool.ToString(), Driver = "", Config = new Dictionary<string, string>() };
        var binding = new Binding(loop, spec);
        var executor = new ObligationExecutor(loop, ledger, binding, inventory.GuestsAreKnown, logs.CreateLogger<ObligationExecutor>());
        var supervisor = new BindingSupervisor(loop, ledger, launcher, binding, executor, inventory, Changed, logs.CreateLogger<BindingSupervisor>()) 
        {
            MayLaunch = () => _mayLaunch, SuspendedAfter = SuspendedAfter,
        };
        _bindings[pool] = (supervisor, executor);
        supervisor.Start();
        executor.Start();
    }

    /// <summary>Tries an obligation now.</summary>
    public void Retry(ObligationRow row)
    {
        if (_bindings.TryGetValue(row.Pool, out var entry))
        {
            entry.Executor.RetryNow(row.Id);
        }
    }

    /// <summary>What is told about volumes of a pool whose I/O does not go on.</summary>
    public IEnumerable<Condition> SuspendedOn(PoolId pool) =>
        Find(pool)?.View.Conditions.Where(condition => condition is { Type: ConditionType.IoSuspended, VolumeId: not null }) ?? [];

    /// <summary>Ends all drivers because the agent ends.</summary>
    public Task EndAsync() => Task.WhenAll(_bindings.Values.Select(entry => entry.Supervisor.EndAsync()));

    /// <summary>The state of a binding, as it is reported.</summary>
    public ItemReport? Report(PoolId pool)
    {
        if (ledger.Tables.Item(ItemKind.Binding, pool.Value) is not { Item: var item })
        {
            return null;
        }

        if (ledger.Tables.Bindings.TryGetValue(pool, out var gone))
        {
            return new ItemReport
            {
                Kind = ItemKind.Binding,
                Id = pool.Value,
                Generation = item.Generation,
                Since = gone.Since,
                Binding = new BindingStatus { State = BindingState.Absent, Unload = gone.Unload },
            };
        }

        var view = _bindings.TryGetValue(pool, out var entry) ? entry.Supervisor.Binding.View : null;
        return view is null ? null : new ItemReport
        {
            Kind = ItemKind.Binding,
            Id = pool.Value,
            Generation = item.Generation,
            Since = view.Since,
            Conditions = view.Conditions,
            Binding = new BindingStatus
            {
                State = view.State,
                DriverPid = view.Pid,
                DriverVersion = view.Version,
                Capabilities = view.Capabilities,
                Status = view.Status,
            },
        };
    }

    private void Changed(PoolId pool)
    {
        if (ledger.Tables.Bindings.ContainsKey(pool) && _bindings.TryGetValue(pool, out var entry))
        {
            entry.Executor.End();
        }

        changed(pool);
    }
}
