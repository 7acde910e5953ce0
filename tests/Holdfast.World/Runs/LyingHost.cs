using Holdfast.Agent.Link;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;
using Holdfast.Worlds.Plants;

namespace Holdfast.Worlds.Runs;

/// <summary>
/// A host in the hands of somebody else: it does its own work, and each of its reports also says of everything that other hosts ever told of that it is over, done or
/// settled. Nothing may come of that: what a host says counts for what is its own.
/// </summary>
/// <param name="name">The host's name.</param>
internal sealed class LyingHost(string name)
{
    private readonly Dictionary<(ItemKind Kind, Guid Id), ItemReport> _othersItems = [];
    private readonly Dictionary<ObligationId, ObligationReport> _othersDebts = [];
    private readonly HashSet<(ItemKind Kind, Guid Id)> _ownItems = [];
    private readonly HashSet<ObligationId> _ownDebts = [];

    /// <summary>How many things that are not its own it has spoken of.</summary>
    public int Lies { get; private set; }

    /// <summary>What makes it of an ordinary one.</summary>
    public Twins Twins => new()
    {
        Agent = (_, parts) => parts with
        {
            Server = parts.Facts.HostName == name ? new FaultyLink(parts.Server, Hear, Lie) : new FaultyLink(parts.Server, static happening => [happening], Overhear),
        },
    };

    private IEnumerable<WatchEvent> Hear(WatchEvent happening)
    {
        if (happening is WatchEvent.Item { Value: var item })
        {
            _ownItems.Add((item.Kind, item.Id));
        }

        return [happening];
    }

    private HostReport Overhear(HostReport report)
    {
        // Every host has every storage pool here: what it says of one is about its own.
        foreach (var item in report.Items.Where(static item => item.Kind != ItemKind.Binding))
        {
            _othersItems[(item.Kind, item.Id)] = item;
        }

        foreach (var debt in report.Obligations)
        {
            _othersDebts[debt.Id] = debt;
        }

        return report;
    }

    private HostReport Lie(HostReport report)
    {
        _ownItems.UnionWith(report.Items.Select(static item => (item.Kind, item.Id)));
        _ownDebts.UnionWith(report.Obligations.Select(static debt => debt.Id));
        var items = _othersItems.Where(one => !_ownItems.Contains(one.Key)).Select(static one => Over(one.Value)).ToList();
        var debts = _othersDebts.Where(one => !_ownDebts.Contains(one.Key)).Select(static one => one.Value with { State = ObligationState.Settled, Tries = one.Value.Tries + 1 }).ToList();
        Lies += items.Count + debts.Count;
        return report with { Items = [.. report.Items, .. items], Obligations = [.. report.Obligations, .. debts] };
    }

    // With the generation that the other host answered to. What comes to this host later has a newer one, so nothing of this is a lie about its own.
    private static ItemReport Over(ItemReport item) => item with
    {
        Conditions = [],
        Machine = item.Machine is { } machine ? machine with { State = MachineState.Stopped, Disks = [], Unclear = [] } : null,
        Task = item.Task is { } task ? task with { State = TaskState.Done, SizeBytes = 1, BackendName = "another's" } : null,
    };
}
