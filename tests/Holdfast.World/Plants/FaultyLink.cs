using System.Runtime.CompilerServices;
using Holdfast.Agent.Link;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;

namespace Holdfast.Worlds.Plants;

/// <summary>An agent that hears or tells something else than was said.</summary>
/// <param name="inner">The real link.</param>
/// <param name="heard">What it takes an event for.</param>
/// <param name="told">What it makes of a report.</param>
internal sealed class FaultyLink(IServerLink inner, Func<WatchEvent, IEnumerable<WatchEvent>> heard, Func<HostReport, HostReport> told) : IServerLink
{
    public async IAsyncEnumerable<WatchEvent> WatchAsync(long since, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var happening in inner.WatchAsync(since, cancellationToken))
        {
            foreach (var one in heard(happening))
            {
                yield return one;
            }
        }
    }

    public Task<ReportOutcome> ReportAsync(HostReport report, CancellationToken cancellationToken) => inner.ReportAsync(told(report), cancellationToken);

    public Task<GuestAnswer> GuestAsync(VmId machine, CancellationToken cancellationToken) => inner.GuestAsync(machine, cancellationToken);
}
