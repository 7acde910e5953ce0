using System.Runtime.CompilerServices;
using Holdfast.Agent.Link;
using Holdfast.Core.Ids;
using Holdfast.Core.Waits;
using Holdfast.Protocol.Host;

namespace Holdfast.Agent.Tests.Simulation;

/// <summary>The server as an agent sees it: items to watch, and what was reported.</summary>
internal sealed class SimServer(TimeProvider time) : IServerLink
{
    private readonly List<HostItem> _items = [];
    private TaskCompletionSource _news = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public bool IsDown { get; set; }

    /// <summary>What the server tells of all guests; null: it is of a version that has nothing to tell.</summary>
    public GuestRules? Guests { get; set; }

    /// <summary>What the next watch ends with; no exception that a link may throw.</summary>
    public Exception? Bug { get; set; }

    public Dictionary<(ItemKind Kind, Guid Id), ItemReport> Items { get; } = [];

    public Dictionary<ObligationId, ObligationReport> Obligations { get; } = [];

    public List<HostReport> Reports { get; } = [];

    /// <summary>How often an agent began to watch and was heard.</summary>
    public int Watches { get; private set; }

    public void Send(HostItem item)
    {
        _items.Add(item with { Revision = _items.Count + 1 });
        var news = _news;
        _news = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        news.SetResult();
    }

    public void Reach(bool isDown)
    {
        IsDown = isDown;
        var news = _news;
        _news = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        news.SetResult();
    }

    public MachineStatus? Machine(VmId machine) => Items.GetValueOrDefault((ItemKind.Machine, machine.Value))?.Machine;

    public ItemReport? Report(ItemKind kind, Guid id) => Items.GetValueOrDefault((kind, id));

    public BindingStatus? Binding(PoolId pool) => Items.GetValueOrDefault((ItemKind.Binding, pool.Value))?.Binding;

    public async IAsyncEnumerable<WatchEvent> WatchAsync(long since, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (IsDown)
        {
            throw new LinkException("down");
        }

        Watches++;
        yield return new WatchEvent.Ping(since, Guests);
        var sent = since;
        var isSynced = false;
        while (true)
        {
            var news = _news.Task;
            if (Bug is { } bug)
            {
                Bug = null;
                throw bug;
            }

            if (IsDown)
            {
                throw new LinkException("down");
            }

            foreach (var item in _items.Where(item => item.Revision > sent).ToArray())
            {
                sent = item.Revision;
                yield return new WatchEvent.Item(item);
            }

            if (!isSynced)
            {
                isSynced = true;
                yield return new WatchEvent.Synced(sent, Guests);
            }
            else
            {
                yield return new WatchEvent.Ping(sent, Guests);
            }

            await news.AtMostAsync(Timeout.InfiniteTimeSpan, time, cancellationToken);
        }
    }

    /// <summary>What guests are told.</summary>
    public Dictionary<VmId, GuestTold> Told { get; } = [];

    public async Task<GuestAnswer> GuestAsync(VmId machine, CancellationToken cancellationToken)
    {
        await Task.Delay(TimeSpan.FromMilliseconds(2), time, cancellationToken);
        return IsDown ? new GuestAnswer.Failed("down") : Told.TryGetValue(machine, out var told) ? new GuestAnswer.Told(told) : new GuestAnswer.Refused("404");
    }

    public async Task<ReportOutcome> ReportAsync(HostReport report, CancellationToken cancellationToken)
    {
        await Task.Delay(TimeSpan.FromMilliseconds(2), time, cancellationToken);
        if (IsDown)
        {
            return new ReportOutcome.Failed("down");
        }

        Reports.Add(report);
        foreach (var item in report.Items)
        {
            Items[(item.Kind, item.Id)] = item;
        }

        foreach (var obligation in report.Obligations)
        {
            Obligations[obligation.Id] = obligation;
        }

        return new ReportOutcome.Accepted(report.Sequence);
    }
}
