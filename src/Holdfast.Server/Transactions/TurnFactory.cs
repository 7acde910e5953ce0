using Holdfast.Core.Ids;
using Holdfast.Server.Security;
using Holdfast.Server.Store;

namespace Holdfast.Server.Transactions;

/// <summary>What every turn needs. Safe for any thread.</summary>
internal sealed record TurnServices(
    TimeProvider Time,
    IIdSource Ids,
    Random Random,
    ReconcileTimings Timings,
    IJobResultRenderer Renderer,
    WakeupHub Wakeups,
    SecretBox Secrets,
    Database Database,
    JobTypes Jobs,
    TurnParts Parts,
    ILoggerFactory Loggers);

/// <summary>Runs turns. Safe for any thread.</summary>
internal sealed class TurnFactory
{
    private readonly TurnServices _services;

    /// <summary>Made once per node.</summary>
    public TurnFactory(TurnServices services) => _services = services;

    /// <summary>Runs a change and all that follows from it in one transaction.</summary>
    /// <param name="work">The change. May run more than once.</param>
    /// <param name="cancellationToken">Ends it; nothing is kept then.</param>
    public Task<T> RunAsync<T>(Func<Turn, CancellationToken, Task<T>> work, CancellationToken cancellationToken) =>
        _services.Database.WriteAsync(
            async (db, ct) =>
            {
                var turn = new Turn(_services, db, await _services.Database.NowAsync(db, ct));
                var result = await work(turn, ct);
                await turn.SettleAsync(ct);
                return result;
            },
            cancellationToken);
}
