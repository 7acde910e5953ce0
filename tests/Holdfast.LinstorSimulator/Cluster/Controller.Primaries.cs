using Holdfast.LinstorSimulation.Devices;
using Holdfast.LinstorSimulation.Drbd;

namespace Holdfast.LinstorSimulation.Cluster;

internal sealed partial class Controller
{
    private static readonly TimeSpan WatchEvery = TimeSpan.FromMilliseconds(500);

    // Finding out what is barred and barring it is one turn: else a bar found out before a change is put up after it.
    private readonly SemaphoreSlim _guardTurn = new(1, 1);

    /// <summary>How an opener on a simulated node fared.</summary>
    public enum OpenResult
    {
        Done,
        NoSuchResource,
        TwoPrimariesNotAllowed,
        NodeIsReal,
        FailsIo,
    }

    /// <summary>Opens or closes a resource on a simulated node; a second opener is refused unless two primaries are allowed.</summary>
    public async Task<OpenResult> SetOpenAsync(string name, string node, bool open, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_state.Definition(name) is not { Drbd: true } definition || definition.Resource(node) is not { } resource)
            {
                return OpenResult.NoSuchResource;
            }

            if (_state.Node(node) is { Local: true } && _mode == DeviceMode.Loop)
            {
                return OpenResult.NodeIsReal;
            }

            if (open && FailsIo(definition, resource))
            {
                return OpenResult.FailsIo;
            }

            if (open && Primaries(definition).Exists(other => !Names.Same(other, node) && !AllowsTwoPrimaries(definition, node, other)))
            {
                return OpenResult.TwoPrimariesNotAllowed;
            }

            resource.SimulatedOpen = open;
            if (!open && !_kernel.IsUsual)
            {
                // The last one has closed it.
                _kernel.Set(KernelFact.ForceIoFailures, resource.Node, definition.Name, false);
                _kernel.Set(KernelFact.WritePending, resource.Node, definition.Name, false);
                _kernel.Set(KernelFact.WriteFailed, resource.Node, definition.Name, false);
            }

            Save();
        }

        await GuardOpenersAsync(cancellationToken);
        return OpenResult.Done;
    }

    public List<ViolationRow> Violations()
    {
        lock (_lock)
        {
            return [.. _state.Violations];
        }
    }

    /// <summary>Two-primaries settings still in force although at most one node has the resource open.</summary>
    public List<string> Leftovers()
    {
        lock (_lock)
        {
            var found = new List<string>();
            foreach (var definition in _state.Definitions.Where(definition => definition.Drbd && Primaries(definition).Count < 2))
            {
                if (IsYes(definition.Props.GetValueOrDefault(TwoPrimaries)))
                {
                    found.Add(definition.Name);
                }

                found.AddRange(definition.Connections.Where(connection => IsYes(connection.Props.GetValueOrDefault(TwoPrimaries))).Select(connection => $"{definition.Name} {connection.NodeA} {connection.NodeB}"));
            }

            return found;
        }
    }

    private const string TwoPrimaries = "DrbdOptions/Net/allow-two-primaries";

    private bool AllowsTwoPrimaries(DefinitionRow definition, string a, string b) =>
        IsYes(definition.Connection(a, b)?.Props.GetValueOrDefault(TwoPrimaries) ?? EffectiveProp(definition, TwoPrimaries));

    private static bool IsYes(string? value) => string.Equals(value, "yes", StringComparison.OrdinalIgnoreCase);

    private async Task WatchPrimariesAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(WatchEvery, _time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            await GuardOpenersAsync(cancellationToken);
        }
    }

    /// <summary>
    /// DRBD refuses to promote a second node, so opening its device for writing fails there. The kernel's loop devices know nothing of that, so while another node is
    /// primary the device of a local one is set read-only. That is a weaker bar: QEMU looks at it and refuses, but a plain open(2) for writing succeeds, and it is
    /// write(2) that fails, with EPERM, also through a descriptor opened before. Who is primary without leave is written down as a violation.
    /// Called before a change is answered, as a real controller's satellites have applied it by then, and twice a second for openers that tell nobody. Idempotent.
    /// </summary>
    public async Task GuardOpenersAsync(CancellationToken cancellationToken)
    {
        if (_mode == DeviceMode.None)
        {
            return;
        }

        await _guardTurn.WaitAsync(cancellationToken);
        try
        {
            foreach (var (device, file, readOnly) in WantedBars())
            {
                try
                {
                    await LoopDevices.SetReadOnlyAsync(device, file, readOnly, cancellationToken);
                }
                catch (SatelliteException problem)
                {
                    LogGuardFailed(device, problem.Message);
                }
            }
        }
        finally
        {
            _guardTurn.Release();
        }
    }

    /// <summary>The devices whose bar is not as it should be now, and how it should be.</summary>
    private List<(string Device, string File, bool ReadOnly)> WantedBars()
    {
        var wanted = new List<(string Device, string File, bool ReadOnly)>();
        lock (_lock)
        {
            OpenDevices? open = null;
            foreach (var definition in _state.Definitions.Where(definition => definition.Drbd
                && definition.Resources.Exists(resource => _state.Node(resource.Node) is { Local: true })
                && definition.Resources.Count > 1))
            {
                open ??= OpenDevices.Scan();
                var primaries = Primaries(definition, open);
                foreach (var resource in definition.Resources.Where(resource => _state.Node(resource.Node) is { Local: true } && !primaries.Contains(resource.Node)))
                {
                    var barred = primaries.Exists(other => !AllowsTwoPrimaries(definition, resource.Node, other));
                    wanted.AddRange(resource.Volumes
                        .Where(volume => volume.Device is { } device && LoopDevices.IsReadOnly(device) != barred)
                        .Select(volume => (volume.Device!, BackingFile(definition, resource.Node, volume.Number), barred)));
                }

                NoteViolation(definition, primaries);
            }
        }

        return wanted;
    }

    private void NoteViolation(DefinitionRow definition, List<string> primaries)
    {
        var pair = (from a in primaries from b in primaries where string.CompareOrdinal(a, b) < 0 && !AllowsTwoPrimaries(definition, a, b) select (a, b)).FirstOrDefault();
        if (pair.a is null || _state.Violations.Exists(known => known.Resource == definition.Name && known.Nodes.SequenceEqual(primaries)))
        {
            return;
        }

        _state.Violations.Add(new ViolationRow { Resource = definition.Name, Nodes = primaries, At = _time.GetUtcNow() });
        Save();
    }

    [Microsoft.Extensions.Logging.LoggerMessage(EventId = 7103, Level = Microsoft.Extensions.Logging.LogLevel.Warning, Message = "Device {Device} could not be guarded: {Problem}")]
    private partial void LogGuardFailed(string device, string problem);
}
