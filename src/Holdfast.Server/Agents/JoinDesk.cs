using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Server.Hosts;
using Holdfast.Server.Pools;
using Holdfast.Server.Reports;
using Holdfast.Server.Security;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Agents;

/// <summary>How a join or renewal ended. A closed hierarchy.</summary>
internal abstract record JoinOutcome
{
    private JoinOutcome()
    {
    }

    /// <summary>Joined.</summary>
    /// <param name="Answer">The agent's identity.</param>
    public sealed record Joined(JoinAnswer Answer) : JoinOutcome;

    /// <summary>Refused.</summary>
    /// <param name="Status">HTTP status.</param>
    /// <param name="Text">Why, for the agent's log.</param>
    public sealed record Refused(int Status, string Text) : JoinOutcome;
}

/// <summary>Takes hosts in: a one-time token becomes an incarnation with a certificate.</summary>
internal sealed partial class JoinDesk
{
    private const int MostFacts = 100;
    private const int LongestFact = 256;

    private readonly TurnFactory _turns;
    private readonly Authority _authority;
    private readonly ILogger<JoinDesk> _logger;

    /// <summary>Made once per node.</summary>
    public JoinDesk(TurnFactory turns, Authority authority, ILogger<JoinDesk> logger)
    {
        _turns = turns;
        _authority = authority;
        _logger = logger;
    }

    /// <summary>
    /// Joins. Idempotent for the same token and key: an agent whose answer was lost asks again and gets the same incarnation, while the token lasts.
    /// </summary>
    public async Task<JoinOutcome> JoinAsync(JoinRequest request, CancellationToken cancellationToken)
    {
        if (Unfit(request.Facts) is { } unfit)
        {
            // Not told in the log: it would be a stranger's words there.
            return new JoinOutcome.Refused(400, unfit);
        }

        var hash = TokenHash.Of(request.Token.Reveal());
        var outcome = await _turns.RunAsync<JoinOutcome>(
            async (turn, ct) =>
            {
                var token = await turn.Db.JoinTokens.FirstOrDefaultAsync(t => t.Hash == hash, ct);
                if (token is null || token.Expires <= turn.Now)
                {
                    return new JoinOutcome.Refused(401, "the join token is not known, or has ended");
                }

                var incarnation = token.UsedBy ?? new IncarnationId(turn.NewId());
                if (_authority.SignAgent(request.CertificateRequest, incarnation) is not { } certificate)
                {
                    return new JoinOutcome.Refused(400, "the certificate request is not valid");
                }

                if (token.UsedBy is not null)
                {
                    var known = await turn.Db.Incarnations.FirstOrDefaultAsync(i => i.Id == incarnation && i.State == IncarnationState.Active, ct);
                    return known is not null && known.KeyHash == certificate.KeyHash
                        ? Answer(incarnation, known.HostId, certificate)
                        : new JoinOutcome.Refused(401, "the join token was used already");
                }

                return await TakeInAsync(turn, token, incarnation, certificate, request.Facts, ct);
            },
            cancellationToken);
        switch (outcome)
        {
            case JoinOutcome.Joined joined:
                LogJoined(request.Facts.HostName, joined.Answer.HostId, joined.Answer.IncarnationId);
                break;
            case JoinOutcome.Refused refused:
                LogRefused(request.Facts.HostName, refused.Text);
                break;
        }

        return outcome;
    }

    /// <summary>Gives an incarnation a new certificate.</summary>
    public Task<JoinOutcome> RenewAsync(IncarnationId incarnation, RenewRequest request, CancellationToken cancellationToken) => _turns.RunAsync<JoinOutcome>(
        async (turn, ct) =>
        {
            var known = await turn.Db.Incarnations.FirstOrDefaultAsync(i => i.Id == incarnation && i.State == IncarnationState.Active, ct);
            if (known is null)
            {
                return new JoinOutcome.Refused(403, "this installation was retired");
            }

            if (_authority.SignAgent(request.CertificateRequest, incarnation) is not { } certificate)
            {
                return new JoinOutcome.Refused(400, "the certificate request is not valid");
            }

            await turn.Db.UpdateAsync(known with { CertificateExpires = certificate.Expires }, token: ct);
            return Answer(incarnation, known.HostId, certificate);
        },
        cancellationToken);

    private static string? Unfit(HostFacts facts)
    {
        if (!HostNames.IsName(facts.HostName) || !HostNames.IsName(facts.NodeName))
        {
            return HostNames.Rule;
        }

        string?[] texts = [facts.Address, facts.AgentVersion, facts.HypervisorVersion, facts.LibvirtVersion, facts.Accelerator, .. facts.Firmware, .. facts.Drivers.Keys, .. facts.Drivers.Values];
        return texts.Length > MostFacts || texts.Any(static text => text is { Length: > LongestFact } || text?.Any(char.IsControl) == true)
            ? $"what a host says of itself has at most {MostFacts} texts of {LongestFact} printable characters"
            : null;
    }

    private JoinOutcome Answer(IncarnationId incarnation, HostId host, AgentCertificate certificate) => new JoinOutcome.Joined(new JoinAnswer
    {
        IncarnationId = incarnation,
        HostId = host,
        Certificate = certificate.Pem,
        Authority = _authority.CertificatePem,
    });

    private async Task<JoinOutcome> TakeInAsync(Turn turn, JoinTokenRow token, IncarnationId incarnation, AgentCertificate certificate, HostFacts facts, CancellationToken cancellationToken)
    {
        var db = turn.Db;
        HostRow host;
        if (token.HostId is { } known)
        {
            host = await db.Hosts.SingleAsync(h => h.Id == known, cancellationToken);
            if (host.Removed is not null)
            {
                return new JoinOutcome.Refused(409, $"host {host.Name} ({host.Id}) was deleted; make a join token for a new host");
            }

            var by = await db.Users.Where(u => u.Id == token.CreatedBy).Select(u => u.Username).FirstOrDefaultAsync(cancellationToken) ?? token.CreatedBy.ToString();
            await turn.Part<HostRetirement>().RetireIncarnationsAsync(host, by, $"replaced by installation {incarnation}; the join token {token.Id} for this host was made by {by}", cancellationToken);
            host = ReportDesk.Apply(await db.Hosts.SingleAsync(h => h.Id == known, cancellationToken), facts) with { IncarnationId = incarnation, State = HostState.Connecting };
            await db.UpdateAsync(host, token: cancellationToken);
        }
        else
        {
            var cluster = await db.Clusters.SingleAsync(c => c.Id == token.ClusterId, cancellationToken);
            if (cluster.Removed is not null)
            {
                return new JoinOutcome.Refused(409, $"cluster {cluster.Name} ({cluster.Id}) was deleted; make a join token for another");
            }

            if (await db.Hosts.AnyAsync(h => h.Name == facts.HostName && h.ZoneId == cluster.ZoneId && h.Removed == null, cancellationToken))
            {
                return new JoinOutcome.Refused(409, $"a host named {facts.HostName} exists already; to take it in again, make the join token for that host (createHostJoinToken hostid=...)");
            }

            host = ReportDesk.Apply(
                new HostRow
                {
                    Id = new HostId(turn.NewId()),
                    ZoneId = cluster.ZoneId,
                    PodId = cluster.PodId,
                    ClusterId = cluster.Id,
                    IncarnationId = incarnation,
                    Name = facts.HostName,
                    NodeName = facts.NodeName,
                    State = HostState.Connecting,
                    ResourceState = ResourceState.Enabled,
                    Cpus = 0,
                    CpuMhz = 0,
                    MemoryBytes = 0,
                    Accelerator = facts.Accelerator,
                    AgentVersion = facts.AgentVersion,
                    Drivers = "{}",
                    HostTags = string.Empty,
                    Created = turn.Now,
                },
                facts);
            await db.InsertAsync(host, token: cancellationToken);
        }

        await db.InsertAsync(
            new IncarnationRow
            {
                Id = incarnation,
                HostId = host.Id,
                State = IncarnationState.Active,
                Revision = 0,
                AgentEpoch = 0,
                Sequence = 0,
                KeyHash = certificate.KeyHash,
                CertificateExpires = certificate.Expires,
                Created = turn.Now,
            },
            token: cancellationToken);
        await db.UpdateAsync(token with { Used = turn.Now, UsedBy = incarnation }, token: cancellationToken);
        var pools = await db.StoragePools
            .Where(p => p.ZoneId == host.ZoneId && p.Removed == null && (p.ClusterId == null || p.ClusterId == host.ClusterId) && (p.HostId == null || p.HostId == host.Id))
            .ToListAsync(cancellationToken);
        foreach (var pool in pools)
        {
            await turn.Part<PoolBindings>().AddBindingsAsync(pool, [(host.Id, incarnation)], cancellationToken);
        }

        await turn.TellSystemAsync(EventTypes.HostJoin, EventLevel.Info, $"Host {host.Name} ({host.Id}) joined with installation {incarnation}", ResourceTypes.Host, host.Id.Value, host.Name, cancellationToken);
        return Answer(incarnation, host.Id, certificate);
    }
}
