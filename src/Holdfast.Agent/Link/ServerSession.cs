using Holdfast.Agent.Items;
using Holdfast.Agent.Loop;
using Holdfast.Core.Failpoints;
using Holdfast.Protocol.Host;
using Microsoft.Extensions.Logging;

namespace Holdfast.Agent.Link;

/// <summary>
/// The two conversations with the server: the watch, which brings items, and the reports, which carry facts. Neither waits for the other, neither is ever waited
/// for by a machine or a binding, and both come back by themselves after any break.
/// </summary>
internal sealed partial class ServerSession
{
    private static readonly TimeSpan[] Pauses = [TimeSpan.FromSeconds(0.25), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(5)];
    private static readonly TimeSpan ReportDeadline = TimeSpan.FromSeconds(10);
    private readonly AgentLoop _loop;
    private readonly IServerLink _link;
    private readonly ItemBook _items;
    private readonly ReportBook _book;
    private readonly IReportSource _source;
    private readonly Func<HostFacts?> _facts;
    private readonly long _epoch;
    private readonly Random _random;
    private readonly ILogger _log;
    private readonly Signal _due;
    private readonly Signal _reached;
    private long _sequence;

    /// <summary>Makes a session.</summary>
    public ServerSession(
        AgentLoop loop, IServerLink link, ItemBook items, ReportBook book, IReportSource source, Func<HostFacts?> facts, long epoch, Random random, ILogger log)
    {
        (_loop, _link, _items, _book, _source, _facts, _epoch, _random, _log) = (loop, link, items, book, source, facts, epoch, random, log);
        (_due, _reached) = (new Signal(loop.Time), new Signal(loop.Time));
        book.Due += _due.Set;
    }

    /// <summary>Whether the watch stands; for the local status.</summary>
    public bool IsWatching { get; private set; }

    /// <summary>What holds for the guests of all hosts, as the server last told this process; the defaults before.</summary>
    public GuestRules Guests { get; private set; } = new();

    /// <summary>Why the server could not be spoken to last; null when it could.</summary>
    public string? LastError { get; private set; }

    /// <summary>When the server last accepted a report of this process; null before.</summary>
    public DateTimeOffset? ReportedAt { get; private set; }

    /// <summary>Starts both conversations.</summary>
    public void Start()
    {
        _book.TouchAll(_source);
        _loop.Keep("watch", async () =>
        {
            try
            {
                await WatchAsync();
            }
            finally
            {
                IsWatching = false;
            }
        });
        _loop.Keep("report", ReportAsync);
    }

    private async Task WatchAsync()
    {
        var backoff = new Backoff(Pauses, _random);
        while (!_loop.Stopping.IsCancellationRequested)
        {
            var reason = "the server ended the stream";
            try
            {
                await foreach (var happening in _link.WatchAsync(_items.Revision, _loop.Stopping))
                {
                    if (!IsWatching)
                    {
                        IsWatching = true;
                        LastError = null;
                        backoff.Reset();
                        LogWatching(_items.Revision);
                        _book.TouchFacts();
                        _reached.Set();
                    }

                    switch (happening)
                    {
                        case WatchEvent.Item { Value: var item }:
                            await _items.TakeAsync(item);
                            break;
                        case WatchEvent.Unreadable unreadable:
                            _items.PutAside(unreadable.Id, unreadable.Revision, unreadable.Reason);
                            break;
                        case WatchEvent.Synced synced:
                            Guests = synced.Guests ?? Guests;
                            _items.Confirm();
                            break;
                        case WatchEvent.Ping ping:
                            Guests = ping.Guests ?? Guests;
                            break;
                    }
                }
            }
            catch (LinkException exception)
            {
                reason = exception.Message;
            }

            var pause = backoff.Next();
            if (IsWatching || LastError is null)
            {
                LogWatchEnded(reason, pause.TotalSeconds);
            }

            IsWatching = false;
            LastError = reason;
            await Task.Delay(pause, _loop.Time, _loop.Stopping);
        }
    }

    private async Task ReportAsync()
    {
        var backoff = new Backoff(Pauses, _random);
        var isTold = false;
        while (!_loop.Stopping.IsCancellationRequested)
        {
            var draft = _book.Take(_epoch, ++_sequence, _source, _facts());
            var outcome = await SendAsync(draft.Report);
            switch (outcome)
            {
                case ReportOutcome.Accepted:
                    backoff.Reset();
                    isTold = false;
                    ReportedAt = _loop.Time.GetUtcNow();
                    await _loop.Failpoints.PassAsync(Failpoint.ReportAccepted, _loop.Stopping);
                    _book.Accepted(draft);
                    if (!_book.IsDue)
                    {
                        await _due.WaitAsync(TimeSpan.FromSeconds(AgentGateway.HeartbeatSeconds), _loop.Stopping);
                    }

                    continue;
                case ReportOutcome.Refused refused:
                    LogRefused(refused.Reason);
                    break;
                case ReportOutcome.Failed failed when !isTold:
                    LogNotSent(failed.Reason);
                    isTold = true;
                    break;
            }

            // What happened meanwhile is told as soon as the server is seen to be there, not at the end of a pause.
            await _reached.WaitAsync(backoff.Next(), _loop.Stopping);
        }
    }

    private async Task<ReportOutcome> SendAsync(HostReport report)
    {
        using var deadline = new CancellationTokenSource(ReportDeadline, _loop.Time);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, _loop.Stopping);
        try
        {
            return await _link.ReportAsync(report, ends.Token);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            return new ReportOutcome.Failed($"no answer within {ReportDeadline.TotalSeconds:0} s");
        }
    }

    [LoggerMessage(EventId = 1300, Level = LogLevel.Information, Message = "Watching the server from revision {Revision}")]
    private partial void LogWatching(long revision);

    [LoggerMessage(EventId = 1301, Level = LogLevel.Warning, Message = "The watch ended: {Reason}. Guests and storage go on; next try in {Seconds:0.0} s")]
    private partial void LogWatchEnded(string reason, double seconds);

    [LoggerMessage(EventId = 1302, Level = LogLevel.Error, Message = "The server refuses this agent's reports: {Reason}")]
    private partial void LogRefused(string reason);

    [LoggerMessage(EventId = 1303, Level = LogLevel.Warning, Message = "A report was not sent: {Reason}. What it said is kept and sent again")]
    private partial void LogNotSent(string reason);
}
