using Holdfast.Agent.Drivers;
using Holdfast.Agent.Ledger;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Microsoft.Extensions.Logging;

namespace Holdfast.Agent.Tasks;

/// <summary>Looking at what a backend has. Changes nothing there, so nothing is written down before it.</summary>
internal sealed partial class TaskRunner
{
    private async Task ListAsync(HostItem item, TaskSpec.ListVolumes spec, CancellationToken flight)
    {
        if (_context.Bindings.Find(spec.PoolId) is not { } binding)
        {
            await FailAsync(item, [ConditionOf(spec, new DriverError { Code = DriverErrorCode.NotFound, Text = $"Storage pool '{spec.PoolName}' is not on this host." })]);
            return;
        }

        await binding.SettledAsync(ReadyDeadline, flight);
        var (listing, error) = spec.Only.Count > 0 ? await LookAsync(spec, binding, flight) : await PageAsync(spec, binding, flight);
        if (listing is null)
        {
            await FailAsync(item, [ConditionOf(spec, error!)]);
            return;
        }

        await _context.Ledger.RecordAsync(new LedgerChange.PutTask(NewRow(item, TaskState.Done) with { Listing = listing }));
        LogListed(spec.PoolName, spec.PoolId, listing.Volumes.Count, listing.Strays.Count + listing.MoreStrays);
    }

    private static async Task<(VolumeListing? Listing, DriverError? Error)> PageAsync(TaskSpec.ListVolumes spec, Binding binding, CancellationToken flight)
    {
        var answer = await binding.CallAsync(null, ShortDeadline, despiteCircuit: false, (client, left, ends) => client.ListVolumesAsync(left, ends), flight);
        return answer is DriverAnswer<VolumeList>.Ok { Value: var list } ? (VolumePages.Cut(list, spec.After), null) : (null, ((DriverAnswer<VolumeList>.Failed)answer).Error);
    }

    // One after another: a look is nobody's hurry, and leaves the lane to others.
    private async Task<(VolumeListing? Listing, DriverError? Error)> LookAsync(TaskSpec.ListVolumes spec, Binding binding, CancellationToken flight)
    {
        var there = new List<VolumeInfo>();
        var unclear = new List<VolumeId>();
        foreach (var volume in spec.Only)
        {
            switch (await CallAsync(binding, volume, ShortDeadline, (client, left, ends) => client.GetVolumeAsync(volume, left, ends), flight))
            {
                case DriverAnswer<VolumeReply>.Ok { Value.Volume: var found }:
                    there.Add(found);
                    break;
                case DriverAnswer<VolumeReply>.Failed { Error.Code: DriverErrorCode.NotFound }:
                    break;
                case DriverAnswer<VolumeReply>.Failed { Error.Code: DriverErrorCode.Invalid }:
                    // Something has its name and is damaged or another's: the others are looked at all the same.
                    unclear.Add(volume);
                    break;
                case DriverAnswer<VolumeReply>.Failed { Error: var error }:
                    return (null, error);
                default:
                    throw new InvalidOperationException("An answer of an unknown kind.");
            }
        }

        return (new VolumeListing { Volumes = there, Unclear = unclear }, null);
    }

    /// <summary>Why the source of a clone that was refused cannot be cloned. Asked of the source itself: the words of a refusal are for people.</summary>
    private async Task<string?> LostSourceAsync(TaskSpec.EnsureVolume spec, Binding binding, DriverAnswer<VolumeReply> refusal, CancellationToken flight)
    {
        if (spec.Source is not { } source || refusal is not DriverAnswer<VolumeReply>.Failed { Error.Code: DriverErrorCode.NotFound or DriverErrorCode.Invalid })
        {
            return null;
        }

        return WhyLost(spec, await CallAsync(binding, source, ShortDeadline, (client, left, ends) => client.GetVolumeAsync(source, left, ends), flight));
    }

    private static string? WhyLost(TaskSpec.EnsureVolume spec, DriverAnswer<VolumeReply> source) => source switch
    {
        DriverAnswer<VolumeReply>.Failed { Error.Code: DriverErrorCode.NotFound } => "is not at the backend any more",
        DriverAnswer<VolumeReply>.Ok { Value.Volume: { Sealed: false } } => "is at the backend, but not sealed",
        DriverAnswer<VolumeReply>.Ok { Value.Volume: var found } when spec.SourceGeneration is { } wanted && found.Generation != wanted =>
            $"has generation {found.Generation} at the backend, not {wanted}",
        _ => null,
    };

    [LoggerMessage(EventId = 1704, Level = LogLevel.Debug, Message = "The backend of storage pool '{PoolName}' ({Pool}) was looked at: {Volumes} volumes told, {Strays} things that are not proven ours")]
    private partial void LogListed(string poolName, PoolId pool, int volumes, int strays);
}
