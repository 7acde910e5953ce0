using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Server.Hosts;
using Holdfast.Server.Reports;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Agents;

/// <summary>How a report ended. A closed hierarchy.</summary>
internal abstract record ReportOutcome
{
    private ReportOutcome()
    {
    }

    /// <summary>Taken, or a duplicate of one that was.</summary>
    /// <param name="Answer">The answer.</param>
    public sealed record Accepted(HostReportAnswer Answer) : ReportOutcome;

    /// <summary>Refused.</summary>
    /// <param name="Status">HTTP status.</param>
    /// <param name="Text">Why.</param>
    public sealed record Refused(int Status, string Text) : ReportOutcome;
}

/// <summary>
/// Takes reports: facts about a host, accepted for any generation. Usually in one transaction: facts, observations, the mirror of obligations, and all that
/// follows. When that meets a bug the report falls apart: the heartbeat counts first, each thing it says has a transaction of its own, and what still cannot be
/// taken is set aside, so that a bug costs its own subject and nobody else.
/// </summary>
internal sealed partial class HostReports
{
    private readonly TurnFactory _turns;
    private readonly ILogger<HostReports> _logger;

    /// <summary>Made once per node.</summary>
    public HostReports(TurnFactory turns, ILogger<HostReports> logger) => (_turns, _logger) = (turns, logger);

    /// <summary>Takes a report. A duplicate, by agent process and sequence, is answered well and ignored; one of an older agent process is refused.</summary>
    /// <param name="id">Who says it.</param>
    /// <param name="report">What is said.</param>
    /// <param name="cancellationToken">Ends it; the report is then not accepted.</param>
    /// <param name="unreadable">What else is said, and cannot be read.</param>
    public async Task<ReportOutcome> TakeAsync(IncarnationId id, HostReport report, CancellationToken cancellationToken, IReadOnlyList<ReportPart.Unreadable>? unreadable = null)
    {
        IReadOnlyList<ReportPart> parts =
        [
            .. unreadable ?? [],
            .. report.Obligations.Select(obligation => new ReportPart.Obligation(obligation)),
            .. report.Items.Select(item => new ReportPart.Item(item)),
        ];
        try
        {
            return await _turns.RunAsync<ReportOutcome>(
                async (turn, ct) =>
                {
                    if (await AnswerAsync(turn, id, report, ct) is { } answer)
                    {
                        return answer;
                    }

                    await AcceptAsync(turn, id, report, ct);
                    var host = await turn.Part<HostStates>().SetHostStateAsync(await HearAsync(turn, id, report, ct), ct);
                    foreach (var part in parts)
                    {
                        await turn.Part<ReportDesk>().TakeAsync(host, id, part, ct);
                    }

                    return new ReportOutcome.Accepted(new HostReportAnswer { AcceptedSequence = report.Sequence });
                },
                cancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            LogApart(e, id, report.Sequence, parts.Count);
            return await TakeApartAsync(id, report with { Facts = null }, report.Facts is { } facts ? [new ReportPart.Facts(facts), .. parts] : parts, cancellationToken);
        }
    }

    // What is under way when this node dies is said again: the report is accepted last, and whatever it says may be taken twice.
    private async Task<ReportOutcome> TakeApartAsync(IncarnationId id, HostReport report, IReadOnlyList<ReportPart> parts, CancellationToken cancellationToken)
    {
        var (ended, host, dependents) = await _turns.RunAsync<(ReportOutcome?, HostRow?, List<Action<Turn>>)>(
            async (turn, ct) =>
            {
                if (await AnswerAsync(turn, id, report, ct) is { } answer)
                {
                    return (answer, null, []);
                }

                var (row, waiting) = await turn.Part<HostStates>().MoveHostAsync(await HearAsync(turn, id, report, ct), ct);
                return (null, row, waiting);
            },
            cancellationToken);
        if (ended is not null)
        {
            return ended;
        }

        foreach (var dependent in dependents)
        {
            try
            {
                await _turns.RunAsync(
                    (turn, _) =>
                    {
                        dependent(turn);
                        return Task.FromResult(true);
                    },
                    cancellationToken);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                LogDependentFailed(e, host!.Name, host.Id);
            }
        }

        SetAsideFullException? full = null;
        foreach (var part in parts)
        {
            try
            {
                if (await AloneAsync(id, report, (turn, row, ct) => TakeAloneAsync(turn, row, id, part, ct), cancellationToken) is { } answer)
                {
                    return answer;
                }
            }
            catch (SetAsideFullException e)
            {
                full = e;
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                LogPartFailed(e, host!.Name, host.Id, part.Subject, part.Id);
                full = await KeepAsync(id, report, part, $"{e.GetType().Name}: {e.Message}", cancellationToken) ?? full;
            }
        }

        if (full is not null)
        {
            return new ReportOutcome.Refused(503, full.Message);
        }

        return await _turns.RunAsync<ReportOutcome>(
            async (turn, ct) =>
            {
                if (await AnswerAsync(turn, id, report, ct) is { } answer)
                {
                    return answer;
                }

                await AcceptAsync(turn, id, report, ct);
                return new ReportOutcome.Accepted(new HostReportAnswer { AcceptedSequence = report.Sequence });
            },
            cancellationToken);
    }

    private static async Task TakeAloneAsync(Turn turn, HostRow host, IncarnationId id, ReportPart part, CancellationToken cancellationToken)
    {
        await turn.Part<ReportDesk>().TakeAsync(host, id, part, cancellationToken);
        if (part is ReportPart.Facts)
        {
            await turn.Part<HostReconnection>().IntroducedAsync(host.Id, cancellationToken);
        }
    }

    private async Task<SetAsideFullException?> KeepAsync(IncarnationId id, HostReport report, ReportPart part, string why, CancellationToken cancellationToken)
    {
        try
        {
            await AloneAsync(id, report, (turn, row, ct) => turn.Part<ReportDesk>().SetAsideAsync(row, id, part, why, isOwnFault: true, ct), cancellationToken);
            return null;
        }
        catch (SetAsideFullException e)
        {
            return e;
        }
    }

    // Null: done. Else somebody newer spoke meanwhile, and what this report says is of before.
    private Task<ReportOutcome?> AloneAsync(IncarnationId id, HostReport report, Func<Turn, HostRow, CancellationToken, Task> work, CancellationToken cancellationToken) => _turns.RunAsync(
        async (turn, ct) =>
        {
            if (await AnswerAsync(turn, id, report, ct) is { } answer)
            {
                return answer;
            }

            var host = await (from i in turn.Db.Incarnations
                              join h in turn.Db.Hosts on i.HostId equals h.Id
                              where i.Id == id
                              select h).SingleAsync(ct);
            await work(turn, host, ct);
            return (ReportOutcome?)null;
        },
        cancellationToken);

    private static async Task<ReportOutcome?> AnswerAsync(Turn turn, IncarnationId id, HostReport report, CancellationToken cancellationToken)
    {
        var incarnation = await turn.Db.Incarnations.FirstOrDefaultAsync(i => i.Id == id, cancellationToken);
        if (incarnation is not { State: IncarnationState.Active })
        {
            return new ReportOutcome.Refused(403, "this installation is not known, or was retired");
        }

        if (report.AgentEpoch < incarnation.AgentEpoch)
        {
            return new ReportOutcome.Refused(409, $"a newer agent process (epoch {incarnation.AgentEpoch}) speaks for this host");
        }

        return report.AgentEpoch == incarnation.AgentEpoch && report.Sequence <= incarnation.Sequence
            ? new ReportOutcome.Accepted(new HostReportAnswer { AcceptedSequence = incarnation.Sequence })
            : null;
    }

    // Only these columns: the revision belongs to whoever writes items.
    private static Task AcceptAsync(Turn turn, IncarnationId id, HostReport report, CancellationToken cancellationToken) => turn.Db.Incarnations.Where(i => i.Id == id)
        .Set(i => i.AgentEpoch, report.AgentEpoch)
        .Set(i => i.Sequence, report.Sequence)
        .UpdateAsync(cancellationToken);

    private static async Task<HostRow> HearAsync(Turn turn, IncarnationId id, HostReport report, CancellationToken cancellationToken)
    {
        var host = await (from i in turn.Db.Incarnations
                          join h in turn.Db.Hosts on i.HostId equals h.Id
                          where i.Id == id
                          select h).SingleAsync(cancellationToken);
        host = (report.Facts is { } facts ? ReportDesk.Apply(host, facts) : host) with { LastReport = turn.Now };
        await turn.Db.UpdateAsync(host, token: cancellationToken);
        if (report.Facts is not null)
        {
            await turn.Part<HostReconnection>().IntroducedAsync(host.Id, cancellationToken);
        }

        return host;
    }

    [LoggerMessage(EventId = 2210, Level = LogLevel.Error, Message = "A bug: report {Sequence} of installation {Incarnation} could not be taken as one; each of the {Parts} things it says is taken by itself")]
    private partial void LogApart(Exception exception, IncarnationId incarnation, long sequence, int parts);

    [LoggerMessage(EventId = 2211, Level = LogLevel.Error, Message = "A bug: what host {Host} ({HostId}) says of {Subject} {Id} could not be taken")]
    private partial void LogPartFailed(Exception exception, string host, HostId hostId, ReportSubject subject, Guid id);

    [LoggerMessage(EventId = 2212, Level = LogLevel.Error, Message = "A bug: something that waited for host {Host} ({HostId}) could not be looked at")]
    private partial void LogDependentFailed(Exception exception, string host, HostId hostId);
}
