using System.Threading.Channels;
using Holdfast.Core.Ids;
using Holdfast.Libvirt;
using Holdfast.Libvirt.Events;
using Microsoft.Extensions.Logging;

namespace Holdfast.Agent.Hypervisor;

/// <summary>Keeps a connection for events, translates them, and says when some may have been lost.</summary>
internal sealed partial class HypervisorEventPump
{
    private const int RawCapacity = 1024;
    private const int Capacity = 4096;
    private static readonly TimeSpan ConnectDeadline = TimeSpan.FromSeconds(15);

    private readonly LibvirtLane _lane;
    private readonly LibvirtHypervisorOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Channel<HypervisorEvent> _events;
    private volatile StateSnapshot _state;
    private bool _overflowed;
    private Task _running = Task.CompletedTask;

    /// <summary>Makes a pump that stands still.</summary>
    public HypervisorEventPump(LibvirtLane lane, LibvirtHypervisorOptions options, TimeProvider time, ILogger log)
    {
        _lane = lane;
        _options = options;
        _time = time;
        _log = log;
        _state = new StateSnapshot(Connected: false, "not connected yet", time.GetUtcNow());

        // The newest hints are worth most: when nobody reads, the oldest go.
        _events = Channel.CreateBounded<HypervisorEvent>(
            new BoundedChannelOptions(Capacity) { FullMode = BoundedChannelFullMode.DropOldest, SingleWriter = true },
            _ => _overflowed = true);
    }

    /// <summary>The translated events.</summary>
    public ChannelReader<HypervisorEvent> Events => _events.Reader;

    /// <summary>Whether the connection stands, why not, and since when.</summary>
    public (bool Connected, string? Detail, DateTimeOffset Since) State => (_state.Connected, _state.Detail, _state.Since);

    /// <summary>Sets it going.</summary>
    public void Begin(CancellationToken cancellationToken) => _running = RunAsync(cancellationToken);

    /// <summary>Waits until it has ended after its token was cancelled.</summary>
    public Task EndAsync() => _running;

    /// <summary>What a libvirt event means here; null when it means nothing. Pure.</summary>
    internal static HypervisorEvent? Translate(LibvirtEvent message) => message switch
    {
        LibvirtEvent.Lifecycle { Change: LibvirtLifecycle.Started or LibvirtLifecycle.Resumed } life => new HypervisorEvent.Started(new VmId(life.Domain)),
        LibvirtEvent.Lifecycle { Change: LibvirtLifecycle.Stopped } life => new HypervisorEvent.Stopped(
            new VmId(life.Domain),
            (LibvirtStoppedDetail)life.Detail switch
            {
                LibvirtStoppedDetail.Shutdown => StopReason.Shutdown,
                LibvirtStoppedDetail.Destroyed => StopReason.Destroyed,
                LibvirtStoppedDetail.Crashed => StopReason.Crashed,
                LibvirtStoppedDetail.Failed => StopReason.Failed,
                _ => StopReason.Unknown,
            }),
        LibvirtEvent.Lifecycle { Change: LibvirtLifecycle.Suspended } life =>
            new HypervisorEvent.Paused(new VmId(life.Domain), (LibvirtSuspendedDetail)life.Detail == LibvirtSuspendedDetail.IoError),
        LibvirtEvent.Lifecycle { Change: LibvirtLifecycle.Crashed } life => new HypervisorEvent.GuestPanicked(new VmId(life.Domain)),
        LibvirtEvent.Rebooted rebooted => new HypervisorEvent.Rebooted(new VmId(rebooted.Domain)),
        LibvirtEvent.DiskError error => new HypervisorEvent.DiskError(new VmId(error.Domain), error.Source, error.Reason),
        LibvirtEvent.DeviceRemoved removed => new HypervisorEvent.DeviceRemoved(new VmId(removed.Domain), removed.Alias),
        LibvirtEvent.DeviceRemovalFailed kept => new HypervisorEvent.DeviceRemovalFailed(new VmId(kept.Domain), kept.Alias),
        _ => null,
    };

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                var reason = await FollowAsync(cancellationToken);
                if (_state.Connected)
                {
                    LogDisconnected(_options.Uri, reason);
                    Publish(new HypervisorEvent.Disconnected(reason));
                }
                else if (_state.Detail != reason)
                {
                    LogUnreachable(_options.Uri, reason);
                }

                SetState(connected: false, reason);
                await Task.Delay(_options.ReconnectPause, _time, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            _events.Writer.TryComplete();
        }
    }

    /// <summary>Follows one connection to its end and says why it ended.</summary>
    private async Task<string> FollowAsync(CancellationToken cancellationToken)
    {
        var raw = Channel.CreateBounded<LibvirtEvent>(new BoundedChannelOptions(RawCapacity) { SingleReader = true });
        var opened = await LibvirtEventFeed.OpenAsync(_lane, _options.Uri, raw.Writer, ConnectDeadline, cancellationToken);
        if (opened is not LibvirtResult<LibvirtEventFeed>.Ok { Value: var feed })
        {
            return HypervisorFaults.Of(opened, "connect").Message;
        }

        try
        {
            SetState(connected: true, detail: null);
            LogConnected(_options.Uri);
            Publish(new HypervisorEvent.ResyncNeeded("connected"));
            await foreach (var message in raw.Reader.ReadAllAsync(cancellationToken))
            {
                if (message is LibvirtEvent.Closed closed)
                {
                    return closed.Reason switch
                    {
                        LibvirtCloseReason.EndOfFile => "the daemon closed the connection",
                        LibvirtCloseReason.KeepAlive => "the daemon did not answer keep-alives",
                        LibvirtCloseReason.Client => "the connection was closed on this side",
                        _ => "the connection failed",
                    };
                }

                if (Translate(message) is { } hint)
                {
                    Publish(hint);
                }

                if (feed.TakeDropped() is > 0 and var dropped)
                {
                    Publish(new HypervisorEvent.ResyncNeeded($"{dropped} events came faster than they were read"));
                }
            }

            return "the events ended";
        }
        finally
        {
            await feed.CloseAsync(_lane, ConnectDeadline, CancellationToken.None);
        }
    }

    private void Publish(HypervisorEvent hint)
    {
        _events.Writer.TryWrite(hint);
        if (_overflowed)
        {
            _overflowed = false;
            _events.Writer.TryWrite(new HypervisorEvent.ResyncNeeded("events were dropped because nobody read them"));
            _overflowed = false;
        }
    }

    private void SetState(bool connected, string? detail)
    {
        if (_state.Connected != connected || _state.Detail != detail)
        {
            _state = new StateSnapshot(connected, detail, _state.Connected == connected ? _state.Since : _time.GetUtcNow());
        }
    }

    [LoggerMessage(EventId = 1610, Level = LogLevel.Information, Message = "Connected to the hypervisor at {Uri}")]
    private partial void LogConnected(string uri);

    [LoggerMessage(EventId = 1611, Level = LogLevel.Warning, Message = "Lost the hypervisor at {Uri}: {Reason}. Guests run on; trying again until it is back")]
    private partial void LogDisconnected(string uri, string reason);

    [LoggerMessage(EventId = 1612, Level = LogLevel.Warning, Message = "The hypervisor at {Uri} cannot be reached: {Reason}. Trying again until it can")]
    private partial void LogUnreachable(string uri, string reason);

    private sealed record StateSnapshot(bool Connected, string? Detail, DateTimeOffset Since);
}
