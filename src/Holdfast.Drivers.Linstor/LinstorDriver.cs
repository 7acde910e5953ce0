using System.Collections.Concurrent;
using Holdfast.Core.Ids;
using Holdfast.DriverKit;
using Holdfast.Drivers.Linstor.Attachments;
using Holdfast.Drivers.Linstor.Devices;
using Holdfast.Drivers.Linstor.Drbd;
using Holdfast.Drivers.Linstor.Rest;
using Holdfast.Drivers.Linstor.Rest.Model;
using Holdfast.Drivers.Linstor.Volumes;
using Holdfast.Protocol.Driver;
using Microsoft.Extensions.Logging;

namespace Holdfast.Drivers.Linstor;

/// <summary>
/// Volumes of one storage pool as resources of one LINSTOR resource group, on one host. See the README for the rules. The kit keeps calls for the same volume
/// apart; calls for different volumes run side by side.
/// </summary>
internal sealed partial class LinstorDriver : IStorageDriver
{
    /// <summary>Kept back of a call's time to read what became of a change that was not answered.</summary>
    private static readonly TimeSpan ReadBack = TimeSpan.FromSeconds(3);

    /// <summary>LINSTOR is not asked about one object more often.</summary>
    private static readonly TimeSpan PollPause = TimeSpan.FromSeconds(1);

    /// <summary>How long one call waits for a deletion to be finished by the satellites.</summary>
    private static readonly TimeSpan DeletionPatience = TimeSpan.FromSeconds(15);

    private readonly DriverContext _context;
    private readonly LinstorSettings _settings;
    private readonly LinstorClient _linstor;
    private readonly AttachmentStore _store;
    private readonly VolumeRecords<PendingRevert> _reverts;
    private readonly DeviceChecker _devices;
    private readonly DrbdSetup _drbd;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly PoolId _pool;

    /// <summary>Nodes that were away, and not needed, when something was changed; since when.</summary>
    private readonly ConcurrentDictionary<string, DateTimeOffset> _late = new(StringComparer.OrdinalIgnoreCase);

    private volatile PoolTraits _traits;

    /// <summary>Makes the driver.</summary>
    /// <param name="context">What the kit gives.</param>
    /// <param name="settings">The settings.</param>
    /// <param name="linstor">The client; its controllers are owned from now on.</param>
    /// <param name="store">The driver's own records of attachments.</param>
    /// <param name="reverts">The driver's own records of reverts.</param>
    public LinstorDriver(DriverContext context, LinstorSettings settings, LinstorClient linstor, AttachmentStore store, VolumeRecords<PendingRevert> reverts)
    {
        _context = context;
        _settings = settings;
        _linstor = linstor;
        _store = store;
        _reverts = reverts;
        _time = context.Time;
        _startedAt = _time.GetTimestamp();
        _pool = context.Startup.PoolId;
        _logger = context.Loggers.CreateLogger(typeof(LinstorDriver).FullName!);
        _devices = new DeviceChecker(context.Processes, context.Time, settings.DevicePrefix);
        _drbd = new DrbdSetup(context.Processes, context.Time, context.BackendCalls, settings.DrbdSetup);
        _traits = store.ReadTraits() ?? PoolTraits.Usual;
    }

    /// <inheritdoc/>
    public DriverCapabilities Capabilities => new()
    {
        CanClone = _traits.CanClone,
        CanSnapshot = _traits.CanSnapshot,
        CanResize = true,
        IsShared = _traits.IsDrbd,
        NotSharedReason = _traits.IsDrbd
            ? null
            : $"LINSTOR's resource group '{_settings.ResourceGroup}' has no DRBD in its layer list, so that each of its volumes is on one node only. Use scope HOST, or put DRBD in"
                + " the group's layer list",
        HoldsData = _traits.HoldsData,
        CanAttachLocally = true,
        CanCut = _traits.IsDrbd,
    };

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _linstor.Controllers.Dispose();
        return ValueTask.CompletedTask;
    }

    // A little earlier than the kit cancels, so that the driver itself still says what it knows.
    private CallDeadline Deadline(DriverCall call, CancellationToken cancellationToken)
    {
        var left = call.Remaining;
        var margin = left / 20;
        return new CallDeadline(_time, left - (margin < TimeSpan.FromMilliseconds(250) ? margin : TimeSpan.FromMilliseconds(250)), cancellationToken);
    }

    private string Pool => $"storage pool '{_context.Startup.PoolName}' (LINSTOR at {_linstor.Controllers.Names}, resource group {_settings.ResourceGroup})";

    private string Name(VolumeId volume) => $"volume {volume} ({VolumeName.Of(volume)}) of {Pool}";

    private static DriverError Fail(RestProblem problem, string doing) => new()
    {
        Code = problem.Code,
        Text = $"{doing}: {problem.Text}",
        Backend = problem.Backend,
    };

    // Right after a change of controller its nodes are not all back, and "no room" is not the truth yet.
    private DriverError FailToPlace(RestProblem problem, string doing) =>
        problem.Code == DriverErrorCode.Capacity && _linstor.Controllers.IsSettling
            ? Fail(problem with { Code = DriverErrorCode.Busy }, $"{doing} shortly after the active controller changed")
            : Fail(problem, doing);

    private static bool IsGoing(ResourceDefinition definition) => definition.Has("DELETE");

    /// <summary>The volume's definition if it is there and ours. A closed hierarchy.</summary>
    private abstract record Found
    {
        /// <summary>LINSTOR has none of that name.</summary>
        internal sealed record Absent : Found;

        /// <summary>It is ours.</summary>
        internal sealed record Ours(ResourceDefinition Definition, VolumeMarks Marks) : Found
        {
            /// <summary>Size of its volume in KiB; 0 when it has none yet.</summary>
            public long SizeKib => SizeOf(Definition.VolumeDefinitions);

            /// <summary>Whether it has its volume.</summary>
            public bool HasVolume => SizeKib > 0;

            /// <summary>Whether making it has not come to its end.</summary>
            public bool IsIncomplete => Marks.Building || !HasVolume || Definition.Has("CLONING") || Definition.Has("FAILED");

            /// <summary>Whether DRBD is in its stack.</summary>
            public required bool IsDrbd { get; init; }
        }

        /// <summary>There is no telling, or it is not ours.</summary>
        internal sealed record Error(DriverError Why, RestProblem? Problem) : Found;
    }

    private async Task<Found> FindAsync(VolumeId volume, string doing, CallDeadline deadline)
    {
        if (!(await _linstor.DefinitionAsync(VolumeName.Of(volume), deadline)).Has(out var definition, out var problem) && problem is not null)
        {
            return new Found.Error(Fail(problem, doing), problem);
        }

        if (definition is null)
        {
            return new Found.Absent();
        }

        if (!VolumeMarks.TryRead(definition, volume, _pool, out var marks, out var whyNot))
        {
            return new Found.Error(
                DriverFailure.Invalid($"{doing}: LINSTOR's resource {definition.Name} is not ours and is left alone: {whyNot}."),
                null);
        }

        if (definition.LayerData is { Count: > 0 } layers)
        {
            return new Found.Ours(definition, WithReverts(marks!))
            {
                IsDrbd = layers.Any(static layer => string.Equals(layer.Type, "DRBD", StringComparison.OrdinalIgnoreCase)),
            };
        }

        // LINSTOR does not tell the layers of a definition that resources were restored into.
        return (await _linstor.ResourcesAsync(VolumeName.Of(volume), deadline)).Has(out var resources, out var unread)
            ? new Found.Ours(definition, WithReverts(marks!)) { IsDrbd = resources.Exists(static one => one.LayerObject?.Has("DRBD") ?? false) }
            : new Found.Error(Fail(unread, doing), unread);
    }

    /// <summary>The marks with what this host knows of reverts: the generation never goes back, whatever LINSTOR puts back.</summary>
    private VolumeMarks WithReverts(VolumeMarks marks)
    {
        var own = _reverts.Find(marks.Volume);
        if (own is { Finished: true } && own.Number >= marks.Reverts)
        {
            marks = marks with
            {
                Reverts = own.Number,
                Revert = marks.Revert?.Number > own.Number ? marks.Revert : null,
                Generation = own.Generation > marks.Generation ? own.Generation : marks.Generation,
            };
        }
        else if (own is { Finished: false } && own.Number > marks.Reverts && own.Number > (marks.Revert?.Number ?? 0))
        {
            marks = marks with { Revert = own };
        }

        return marks.Revert is { } revert && revert.Generation > marks.Generation ? marks with { Generation = revert.Generation } : marks;
    }

    private static VolumeInfo Describe(Found.Ours ours) => new()
    {
        VolumeId = ours.Marks.Volume,
        Generation = ours.Marks.Generation,
        SizeBytes = Math.Max(ours.SizeKib, ours.Marks.Revert?.SizeKib ?? 0) * 1024,
        BackendName = ours.Definition.Name ?? VolumeName.Of(ours.Marks.Volume),
        Sealed = ours.Marks.Sealed,
    };

    private static DriverError Absent(string doing, VolumeId volume) =>
        DriverFailure.NotFound($"{doing}: LINSTOR has no resource {VolumeName.Of(volume)}.");

    private static DriverError Unfinished(string doing) =>
        DriverFailure.Busy($"{doing}: it is not complete yet; making it has to be finished or it has to be deleted first.");

    private static DriverError Going(string doing) => DriverFailure.Busy($"{doing}: LINSTOR is deleting it.");

    private static DriverError Older(string doing, Generation asked, Generation recorded) =>
        DriverFailure.Invalid($"{doing}: generation {asked} is older than {recorded}, which LINSTOR has.");

    /// <summary>What stands in the way of any use but deletion.</summary>
    private static DriverError? NotUsable(Found.Ours ours, string doing) =>
        IsGoing(ours.Definition) ? Going(doing)
        : ours.Marks.Revert is { } revert ? Reverting(doing, revert)
        : ours.IsIncomplete ? Unfinished(doing) : null;

    private static DriverError Reverting(string doing, PendingRevert revert) => DriverFailure.Busy(
        $"{doing}: its revert to snapshot {revert.Snapshot} (generation {revert.Generation}) is not complete; it has to be finished, or the volume deleted, first.");

    /// <summary>
    /// Whether a node that was needed has not taken part in a change that LINSTOR accepted. A node that was not needed gets the change when it is back: that is no
    /// failure, and the pool's status tells it.
    /// </summary>
    /// <param name="change">LINSTOR's answer.</param>
    /// <param name="name">The definition that was changed.</param>
    /// <param name="needs">Whose part is needed.</param>
    /// <param name="doing">What was done.</param>
    /// <param name="deadline">The call.</param>
    /// <returns>Null when all that were needed took part; else who did not.</returns>
    private async Task<DriverError?> LackingAsync(ChangeReply change, string name, Func<Resource, bool> needs, string doing, CallDeadline deadline)
    {
        if (!change.Deferred)
        {
            return null;
        }

        var warnings = change.Warnings();
        if (!(await _linstor.ResourcesAsync(name, deadline)).Has(out var resources, out _)
            || !(await _linstor.NodesAsync(resources.Select(static one => one.NodeName ?? string.Empty), deadline)).Has(out var nodes, out _))
        {
            return DriverFailure.Busy($"{doing}: LINSTOR accepted it, but not every node took part yet.", warnings);
        }

        // The warning names its node in its text alone; which nodes are away tells too, unless one is back already.
        var late = nodes.FindAll(node => !node.IsOnline || change.Names(node.Name));
        var lacking = late.FindAll(node => resources.Exists(one => one.IsOn(node.Name) && needs(one)));
        if (late.Count == 0 || lacking.Count > 0)
        {
            return DriverFailure.Busy(
                lacking.Count == 0
                    ? $"{doing}: LINSTOR accepted it, but not every node took part yet."
                    : $"{doing}: LINSTOR accepted it, but {string.Join(", ", lacking.Select(static node => $"node {node.Name} is {node.ConnectionStatus}"))} and has to take part.",
                warnings);
        }

        foreach (var node in late)
        {
            _late.TryAdd(node.Name!, _time.GetUtcNow());
        }

        LogWithoutNodes(name, string.Join(", ", late.Select(static node => $"{node.Name} ({node.ConnectionStatus})")), warnings);
        return null;
    }

    /// <summary>Writes the marks, and takes away all others, in one request; none when the definition carries just these.</summary>
    private Task<RestProblem?> WriteAsync(Found.Ours ours, VolumeMarks marks, CallDeadline deadline) =>
        marks.ChangeOf(ours.Definition) is { } change
            ? MarkAsync(VolumeName.Of(marks.Volume), change.OverrideProps, change.DeleteProps, deadline)
            : Task.FromResult<RestProblem?>(null);

    /// <summary>Changes properties of a definition; repeated safely, so what counts is whether they are as wanted at the end.</summary>
    private async Task<RestProblem?> MarkAsync(string name, IReadOnlyDictionary<string, string>? set, IReadOnlyList<string>? remove, CallDeadline deadline)
    {
        if ((await _linstor.ModifyDefinitionAsync(name, new PropertyChange(set, remove), deadline.KeepingBack(ReadBack))).Has(out _, out var problem))
        {
            return null;
        }

        if (!problem.MayHaveEffect || !(await _linstor.DefinitionAsync(name, deadline)).Has(out var after, out _) || after is null)
        {
            return problem;
        }

        return (set?.All(wanted => after.Property(wanted.Key) == wanted.Value) ?? true) && (remove?.All(key => after.Property(key) is null) ?? true)
            ? null
            : problem;
    }
}
