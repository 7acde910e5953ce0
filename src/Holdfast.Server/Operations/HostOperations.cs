using Holdfast.Core.Ids;
using Holdfast.Protocol;
using Holdfast.Protocol.Host;
using Holdfast.Server.Reconcile;
using Holdfast.Server.Security;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Operations;

/// <inheritdoc/>
internal sealed class HostOperations : IHostOperations
{
    private static readonly TimeSpan Longest = TimeSpan.FromDays(7);
    private readonly TurnFactory _turns;
    private readonly Authority _authority;
    private readonly ISecretSource _random;

    /// <summary>Made once per node.</summary>
    public HostOperations(TurnFactory turns, Authority authority, ISecretSource random)
    {
        _turns = turns;
        _authority = authority;
        _random = random;
    }

    /// <inheritdoc/>
    public Task<Outcome<JoinTokenIssued>> CreateJoinTokenAsync(Caller caller, ClusterId? clusterId, HostId? hostId, TimeSpan? lifetime, CancellationToken cancellationToken)
    {
        if (lifetime is { } wanted && (wanted <= TimeSpan.Zero || wanted > Longest))
        {
            return Task.FromResult<Outcome<JoinTokenIssued>>(new Outcome<JoinTokenIssued>.Refused(Faults.Invalid($"A join token lives for at most {Longest.TotalSeconds:0} seconds")));
        }

        return _turns.RunAsync<Outcome<JoinTokenIssued>>(
            async (turn, ct) =>
            {
                const string command = "createHostJoinToken";
                var cluster = clusterId;
                if (hostId is { } known)
                {
                    var host = await turn.Db.Hosts.FirstOrDefaultAsync(h => h.Id == known && h.Removed == null, ct);
                    if (host is null)
                    {
                        return new Outcome<JoinTokenIssued>.Refused(Faults.NoSuchEntity(command, "hostid", known));
                    }

                    cluster = host.ClusterId;
                }

                if (cluster is null)
                {
                    var all = await turn.Db.Clusters.Where(c => c.Removed == null).Select(c => c.Id).ToListAsync(ct);
                    if (all is not [var only])
                    {
                        return new Outcome<JoinTokenIssued>.Refused(Faults.Missing(command, "clusterid"));
                    }

                    cluster = only;
                }
                else if (!await turn.Db.Clusters.AnyAsync(c => c.Id == cluster && c.Removed == null, ct))
                {
                    return new Outcome<JoinTokenIssued>.Refused(Faults.NoSuchEntity(command, "clusterid", cluster));
                }

                var token = new JoinToken(new Secret(_random.Next(32)), _authority.Fingerprint);
                var row = new JoinTokenRow
                {
                    Id = new JoinTokenId(turn.NewId()),
                    Hash = TokenHash.Of(token.Value.Reveal()),
                    ClusterId = cluster.Value,
                    HostId = hostId,
                    CreatedBy = caller.UserId,
                    Created = turn.Now,
                    Expires = turn.Now + (lifetime ?? TimeSpan.FromHours(1)),
                };
                await turn.Db.InsertAsync(row, token: ct);
                return new Outcome<JoinTokenIssued>.Done(new JoinTokenIssued(token.Reveal(), row.Id, row.Expires));
            },
            cancellationToken);
    }
}
