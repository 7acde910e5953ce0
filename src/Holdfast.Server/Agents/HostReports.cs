using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Server.Operations;
using Holdfast.Server.Reconcile;
using Holdfast.Server.Store.Rows;
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
/// Takes reports: facts about a host, accepted for any generation. One transaction: facts, observations, the mirror of obligations, and all that follows.
/// </summary>
internal sealed class HostReports
{
    private readonly TurnFactory _turns;

    /// <summary>Made once per node.</summary>
    public HostReports(TurnFactory turns) => _turns = turns;

    /// <summary>What a host says it is, as its row has it.</summary>
    public static HostRow Apply(HostRow host, HostFacts facts) => host with
    {
        NodeName = facts.NodeName,
        Address = facts.Address,
        Cpus = facts.Cpus,
        CpuMhz = facts.CpuMhz,
        MemoryBytes = facts.MemoryBytes,
        Accelerator = facts.Accelerator,
        HypervisorVersion = facts.HypervisorVersion,
        LibvirtVersion = facts.LibvirtVersion,
        AgentVersion = facts.AgentVersion,
        Drivers = StoredText.Of(facts.Drivers),
    };

    /// <summary>Takes a report. A duplicate, by agent process and sequence, is answered well and ignored; one of an older agent process is refused.</summary>
    public Task<ReportOutcome> TakeAsync(IncarnationId id, HostReport report, CancellationToken cancellationToken) => _turns.RunAsync<ReportOutcome>(
        async (turn, ct) =>
        {
            var incarnation = await turn.Db.Incarnations.FirstOrDefaultAsync(i => i.Id == id, ct);
            if (incarnation is not { State: IncarnationState.Active })
            {
                return new ReportOutcome.Refused(403, "this installation is not known, or was retired");
            }

            if (report.AgentEpoch < incarnation.AgentEpoch)
            {
                return new ReportOutcome.Refused(409, $"a newer agent process (epoch {incarnation.AgentEpoch}) speaks for this host");
            }

            if (report.AgentEpoch == incarnation.AgentEpoch && report.Sequence <= incarnation.Sequence)
            {
                return new ReportOutcome.Accepted(new HostReportAnswer { AcceptedSequence = incarnation.Sequence });
            }

            // Only these columns: the revision belongs to whoever writes items.
            await turn.Db.Incarnations.Where(i => i.Id == id)
                .Set(i => i.AgentEpoch, report.AgentEpoch)
                .Set(i => i.Sequence, report.Sequence)
                .UpdateAsync(ct);
            var host = await turn.Db.Hosts.SingleAsync(h => h.Id == incarnation.HostId, ct);
            host = (report.Facts is { } facts ? Apply(host, facts) : host) with { LastReport = turn.Now };
            await turn.Db.UpdateAsync(host, token: ct);
            host = await turn.SetHostStateAsync(host, ct);
            foreach (var obligation in report.Obligations)
            {
                await turn.ObserveAsync(host, id, obligation, ct);
            }

            foreach (var item in report.Items)
            {
                await turn.ObserveAsync(host, id, item, ct);
            }

            return new ReportOutcome.Accepted(new HostReportAnswer { AcceptedSequence = report.Sequence });
        },
        cancellationToken);
}
