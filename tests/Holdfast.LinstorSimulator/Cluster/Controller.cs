using Holdfast.LinstorSimulation.Api;
using Holdfast.LinstorSimulation.Devices;
using Holdfast.LinstorSimulation.Drbd;
using Microsoft.Extensions.Logging;

namespace Holdfast.LinstorSimulation.Cluster;

/// <summary>
/// The simulated LINSTOR controller. As the real one it changes its own model first (persisted, under one lock), then has the satellites carry it out; cached reads
/// see the model and never wait for a satellite.
/// </summary>
internal sealed partial class Controller : IAsyncDisposable
{
    private const double Oversubscription = 20;

    // Guards _state and everything below it, and every write of the state file.
    private readonly Lock _lock = new();
    private readonly ClusterState _state;
    private readonly StateFolder _folder;
    private readonly Satellite _satellite;
    private readonly DrbdKernel _kernel;
    private readonly SimulatorSwitches _switches;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly DeviceMode _mode;
    private readonly Version _restVersion;
    private readonly Dictionary<string, SemaphoreSlim> _resourceGates = new(StringComparer.OrdinalIgnoreCase);
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<Task> _background = [];

    public Controller(StateFolder folder, ClusterState state, SimulatorSwitches switches, NodeMemory nodes, LinstorSimulatorOptions options, ILogger logger)
    {
        _folder = folder;
        _state = state;
        _switches = switches;
        _mode = options.Devices;
        _satellite = new Satellite(options.Devices, nodes);
        _kernel = new DrbdKernel(folder.Path);
        switches.OnLost = Lost;
        _time = options.Time;
        _logger = logger;
        _restVersion = System.Version.Parse(options.RestApiVersion);
        Version = new ControllerVersion(options.Version, "0123456789abcdef0123456789abcdef01234567", "2026-04-08T09:00:00+00:00", options.RestApiVersion);
    }

    public ControllerVersion Version { get; }

    /// <summary>Ends with the controller; work begun for a client goes on without the client, but not without the controller.</summary>
    public CancellationToken Stopping => _stopping.Token;

    /// <summary>What a starting controller does: connect to the satellites, bring up what should be there, go on with what was interrupted.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        List<string> names;
        lock (_lock)
        {
            names = [.. _state.Definitions.Select(static definition => definition.Name)];
        }

        foreach (var name in names)
        {
            await ResumeAsync(name, cancellationToken);
        }

        await GuardOpenersAsync(cancellationToken);
        Background(RetryDeletesAsync);
        Background(TakeBackRollbacksAsync);
        Background(WatchPrimariesAsync);
    }

    public async ValueTask DisposeAsync()
    {
        _switches.OnLost = static _ => { };
        await _stopping.CancelAsync();
        Task[] running;
        lock (_lock)
        {
            running = [.. _background];
        }

        await Task.WhenAll(running);
        _stopping.Dispose();
        _guardTurn.Dispose();
    }

    private void Background(Func<CancellationToken, Task> work)
    {
        var task = Guarded();
        lock (_lock)
        {
            _background.RemoveAll(static done => done.IsCompleted);
            _background.Add(task);
        }

        async Task Guarded()
        {
            // Off the caller's lock and stack before anything is done.
            await Task.Yield();
            try
            {
                await work(_stopping.Token);
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                // The controller ends; what was under way is in the state file and goes on at the next start.
            }
            catch (Exception problem)
            {
                LogBackgroundFailed(problem);
            }
        }
    }

    private async Task ResumeAsync(string name, CancellationToken cancellationToken)
    {
        DefinitionRow? definition;
        string? cloneSource;
        lock (_lock)
        {
            definition = _state.Definition(name);
            cloneSource = definition?.CloneSource;
        }

        if (definition is null)
        {
            return;
        }

        if (cloneSource is not null)
        {
            Background(token => RunCloneAsync(name, token));
            return;
        }

        var answer = NewAnswer(ReturnCodes.Modify, ReturnCodes.ResourceDefinition);
        await RestoreDataAsync(name, answer, cancellationToken);
        await DeployAsync(name, answer, cancellationToken, waitForStuck: false);
        foreach (var entry in answer.Entries.Where(static entry => (entry.RetCode & ReturnCodes.TypeMask) == ReturnCodes.Error))
        {
            LogResumeProblem(name, entry.Message);
        }
    }

    private Answer NewAnswer(long operation, long subject, bool creates = false) => new(operation, subject, _time) { Creates = creates };

    private void Save() => _folder.Save(_state, _time.GetUtcNow());

    private long Now => _time.GetUtcNow().ToUnixTimeMilliseconds();

    private static string NewUuid() => Guid.NewGuid().ToString();

    private async Task<IDisposable> EnterAsync(string resource, CancellationToken cancellationToken)
    {
        SemaphoreSlim gate;
        lock (_lock)
        {
            if (!_resourceGates.TryGetValue(resource, out gate!))
            {
                _resourceGates[resource] = gate = new SemaphoreSlim(1, 1);
            }
        }

        await gate.WaitAsync(cancellationToken);
        return new Exit(gate);
    }

    private sealed class Exit(SemaphoreSlim gate) : IDisposable
    {
        public void Dispose() => gate.Release();
    }

    /// <summary>Writes an error report of something nobody expected.</summary>
    public string Report(Exception problem) => Report("Controller", problem.Message, problem);

    /// <summary>Writes an error report as the controller and satellites do, and gives its id for the answer.</summary>
    private string Report(string node, string message, Exception? problem)
    {
        lock (_lock)
        {
            var id = $"{(uint)Now:X8}-00000-{_state.ErrorReports.Count:D6}";
            _state.ErrorReports.Add(new ErrorReportRow { Id = id, Node = node, Time = Now, Message = message, Text = $"{message}\n{problem}" });
            Save();
            return id;
        }
    }

    public List<ErrorReport> ErrorReports(bool withContent)
    {
        lock (_lock)
        {
            return [.. _state.ErrorReports.Select(row => View(row, withContent))];
        }
    }

    public ErrorReport? ErrorReportById(string id)
    {
        lock (_lock)
        {
            return _state.ErrorReports.Find(row => row.Id == id) is { } row ? View(row, true) : null;
        }
    }

    private ErrorReport View(ErrorReportRow row, bool withContent) => new()
    {
        NodeName = row.Node,
        ErrorTime = row.Time,
        Filename = $"ErrorReport-{row.Id}.log",
        Module = row.Node == "Controller" ? "CONTROLLER" : "SATELLITE",
        Version = Version.Version,
        ExceptionMessage = row.Message,
        Text = withContent ? row.Text : null,
    };

    /// <summary>Whether some properties cannot be set or taken away; nothing of the whole request is done then.</summary>
    private static bool PropertyProblem(
        PropertyOwner owner, Dictionary<string, string>? set, Answer answer, List<string>? delete = null, List<string>? namespaces = null, IReadOnlyDictionary<string, string>? props = null)
    {
        if (PropertyRules.Objection(owner, set, [.. delete ?? [], .. KeysIn(namespaces, props ?? new Dictionary<string, string>())]) is not { } objection)
        {
            return false;
        }

        answer.Fail(ReturnCodes.InvalidProperty, objection, cause: "It is not in the list of what can be set.");
        return true;
    }

    private static bool PropertyProblem(PropertyOwner owner, PropertiesModify change, IReadOnlyDictionary<string, string> props, Answer answer) =>
        PropertyProblem(owner, change.OverrideProps, answer, change.DeleteProps, change.DeleteNamespaces, props);

    private static IEnumerable<string> KeysIn(List<string>? namespaces, IReadOnlyDictionary<string, string> props) =>
        from prefix in namespaces ?? [] from key in props.Keys where key.StartsWith(prefix.TrimEnd('/') + "/", StringComparison.Ordinal) select key;

    /// <summary>Applies the three ways all property-changing bodies share; true when anything is different afterwards. Taking away what is not set is answered as if it was.</summary>
    private static bool ChangeProps(Dictionary<string, string> props, Dictionary<string, string>? set, List<string>? delete, List<string>? namespaces, Answer answer)
    {
        var changed = false;
        foreach (var (key, value) in set ?? [])
        {
            changed |= !props.TryGetValue(key, out var before) || before != value;
            props[key] = value;
        }

        List<string> deleted =
        [
            .. delete ?? [],
            .. KeysIn(namespaces, props),
        ];
        foreach (var key in deleted)
        {
            changed |= props.Remove(key);
        }

        answer.Properties([.. (set ?? []).Keys], deleted);
        return changed;
    }

    [LoggerMessage(EventId = 7101, Level = LogLevel.Error, Message = "Background work of the simulated controller failed")]
    private partial void LogBackgroundFailed(Exception problem);

    [LoggerMessage(EventId = 7102, Level = LogLevel.Warning, Message = "Bringing up resource definition {Name} after the start failed: {Problem}")]
    private partial void LogResumeProblem(string name, string problem);
}
