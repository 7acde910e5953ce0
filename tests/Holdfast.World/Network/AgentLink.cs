using System.Runtime.CompilerServices;
using System.Text.Json;
using Holdfast.Agent.Link;
using Holdfast.Core.Ids;
using Holdfast.Core.Waits;
using Holdfast.Protocol;
using Holdfast.Protocol.Host;
using Holdfast.Worlds.Control;
using Holdfast.Worlds.History;
using Holdfast.Worlds.Hosts;
using Holdfast.Worlds.Simulation;

namespace Holdfast.Worlds.Network;

/// <summary>
/// The agent gateway over the simulated network. Bodies are the real wire's JSON. A dead peer resets the connection; a cut wire and a frozen peer are silence.
/// </summary>
internal sealed class AgentLink(Simulator simulator, Recorder recorder, SimHost host, SimNode node) : IServerLink
{
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(3 * AgentGateway.PingSeconds);
    private static readonly TimeSpan ServerGivesUp = TimeSpan.FromSeconds(3 * AgentGateway.PingSeconds);

    public async IAsyncEnumerable<WatchEvent> WatchAsync(long since, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var stream = new WatchStream(simulator.Time);
        var agent = host.AgentProcess!;
        host.Wire.Up(() => node.Accept(
            refused: () => host.Wire.Down(() => stream.Break("Connection refused")),
            async () =>
            {
                using var ended = node.OnEnd(() => host.Wire.Down(() => stream.Break("connection reset by peer")));
                var silentSince = simulator.Now;
                await foreach (var sent in node.Watch.EventsAsync(host.Incarnation, since, CancellationToken.None))
                {
                    // The server's keep-alive: a peer that does not acknowledge is given up.
                    var isHeard = !agent.IsDead && !agent.IsFrozen && !host.Wire.IsCutUp && !host.Wire.IsCutDown && !stream.IsLeft;
                    silentSince = isHeard ? simulator.Now : silentSince;
                    if (agent.IsDead || stream.IsLeft || simulator.Now - silentSince > ServerGivesUp)
                    {
                        // What the kernel of a frozen peer is told now is the first that its process learns when it goes on.
                        host.Wire.Down(() => stream.Break("connection reset by peer"));
                        return;
                    }

                    host.Wire.Down(() => Deliver(stream, agent, sent.EventType, sent.Data));
                }

                host.Wire.Down(() => stream.Break(null));
            }));
        try
        {
            while (await stream.NextAsync(Silence, cancellationToken) is { } next)
            {
                yield return next;
            }
        }
        finally
        {
            stream.Leave();
        }
    }

    public async Task<ReportOutcome> ReportAsync(HostReport report, CancellationToken cancellationToken)
    {
        if (host.AgentProcess is { IsDead: true })
        {
            throw new ProcessKilledException("report");
        }

        var body = JsonSerializer.Serialize(report, HostJson.Default.HostReport);
        body = host.SpeaksNewer ? OtherVersion.WithUnknownFields(body) : body;
        var answer = new TaskCompletionSource<ReportOutcome>(TaskCreationOptions.RunContinuationsAsynchronously);
        Send(body, outcome => answer.TrySetResult(outcome));
        if (host.RepeatsReports && simulator.Chance(0.3))
        {
            // F22: a middle box sends it again, perhaps much later; nobody waits for that answer.
            simulator.After(simulator.Milliseconds(1, 60_000), () => Send(body, static _ => { }));
        }

        return await answer.Task.OrAbandonAsync(cancellationToken);
    }

    public async Task<GuestAnswer> GuestAsync(VmId machine, CancellationToken cancellationToken)
    {
        if (host.AgentProcess is { IsDead: true })
        {
            throw new ProcessKilledException("guest");
        }

        var answer = new TaskCompletionSource<GuestAnswer>(TaskCreationOptions.RunContinuationsAsynchronously);
        host.Wire.Up(() => node.Accept(
            refused: () => host.Wire.Down(() => answer.TrySetResult(new GuestAnswer.Failed("Connection refused"))),
            async () =>
            {
                using var ended = node.OnEnd(() => host.Wire.Down(() => answer.TrySetResult(new GuestAnswer.Failed("connection reset by peer"))));
                var told = await node.Guests.TellAsync(host.Incarnation, machine, CancellationToken.None);
                var body = told is null ? null : JsonSerializer.Serialize(told, HostJson.Default.GuestTold);
                host.Wire.Down(() => answer.TrySetResult(body is null
                    ? new GuestAnswer.Refused("404")
                    : new GuestAnswer.Told(JsonSerializer.Deserialize(host.SpeaksNewer ? OtherVersion.WithUnknownFields(body) : body, HostJson.Default.GuestTold)!)));
            }));
        return await answer.Task.OrAbandonAsync(cancellationToken);
    }

    private void Send(string body, Action<ReportOutcome> answer)
    {
        host.Wire.Up(() => node.Accept(
            refused: () => host.Wire.Down(() => answer(new ReportOutcome.Failed("Connection refused"))),
            async () =>
            {
                using var ended = node.OnEnd(() => host.Wire.Down(() => answer(new ReportOutcome.Failed("connection reset by peer"))));
                var report = JsonSerializer.Deserialize(body, HostJson.Default.HostReport)!;
                var outcome = await node.Reports.TakeAsync(host.Incarnation, report, CancellationToken.None);
                recorder.Add(new HistoryEntry.Reported(host.Name, report));
                ReportOutcome told = outcome switch
                {
                    Holdfast.Server.Agents.ReportOutcome.Accepted accepted => new ReportOutcome.Accepted(accepted.Answer.AcceptedSequence),
                    Holdfast.Server.Agents.ReportOutcome.Refused refused => new ReportOutcome.Refused($"{refused.Status}: {refused.Text}"),
                    _ => throw new InvalidOperationException("The hierarchy is closed."),
                };
                host.Wire.Down(() => answer(told));
            }));
    }

    private void Deliver(WatchStream stream, SimProcess agent, string type, string data)
    {
        // Nobody reads what comes on a connection that was closed: the agent was not told, and has heard nothing that a checker could hold it to.
        if (agent.IsDead || stream.IsLeft)
        {
            return;
        }

        if (type == AgentGateway.ItemEvent && stream.Items++ >= (host.ItemsPerWatch ?? int.MaxValue))
        {
            return;
        }

        if (host.SpeaksNewer)
        {
            data = OtherVersion.WithUnknownFields(data);
            if (type == AgentGateway.ItemEvent && simulator.Chance(0.3))
            {
                stream.Put(WatchText.Read(type, OtherVersion.OfUnknownKind(data, simulator.Random))!);
            }
        }

        var happening = WatchText.Read(type, data)!;
        if (happening is WatchEvent.Item { Value: var item })
        {
            recorder.Add(new HistoryEntry.ItemDelivered(host.Name, item));
        }

        stream.Put(happening);
        if (host.RepeatsItems && type == AgentGateway.ItemEvent && simulator.Chance(0.5))
        {
            simulator.After(simulator.Milliseconds(1, 30_000), () => Deliver(stream, agent, type, data));
        }
    }
}
