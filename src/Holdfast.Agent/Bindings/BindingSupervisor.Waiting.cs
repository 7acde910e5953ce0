using Holdfast.Agent.Ledger;
using Holdfast.Agent.Obligations;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;

namespace Holdfast.Agent.Bindings;

/// <summary>
/// I/O that does not go on, as the driver tells it with its health. A moment of it is everyday work: a snapshot suspends. What lasts is told, and what a request held back
/// is owed to go on again, whoever asked for it and has died since.
/// </summary>
internal sealed partial class BindingSupervisor
{
    private readonly Dictionary<VolumeId, long> _waitingSince = [];
    private IReadOnlyList<Condition> _waitConditions = [];

    /// <summary>How long I/O may wait before it is told, and before it is owed to go on.</summary>
    public TimeSpan SuspendedAfter { get; init; } = TimeSpan.FromSeconds(10);

    private async Task LookAtWaitingAsync(IReadOnlyList<WaitingVolume> waiting)
    {
        foreach (var gone in _waitingSince.Keys.Where(volume => waiting.All(one => one.VolumeId != volume)).ToArray())
        {
            _waitingSince.Remove(gone);

            // It goes on: whatever is owed for that is settled with the next word of the driver.
            foreach (var owed in OwedResumptions(gone))
            {
                _obligations.RetryNow(owed.Id);
            }
        }

        var lasting = waiting.OrderBy(one => one.VolumeId.Value)
            .Where(one => _waitingSince.TryAdd(one.VolumeId, _loop.Time.GetTimestamp()) is false && _loop.Time.GetElapsedTime(_waitingSince[one.VolumeId]) >= SuspendedAfter)
            .ToArray();
        foreach (var one in lasting.Where(one => _waitConditions.All(told => told.VolumeId != one.VolumeId)))
        {
            LogSuspended(one.VolumeId, Binding.PoolName, Binding.Pool, one.Text, one.CanResume);
        }

        foreach (var told in _waitConditions.Where(told => lasting.All(one => one.VolumeId != told.VolumeId)))
        {
            LogGoesOn(told.VolumeId!.Value, Binding.PoolName, Binding.Pool);
        }

        string? unwritable = null;
        foreach (var one in lasting.Where(one => one.CanResume && OwedResumptions(one.VolumeId).Count == 0))
        {
            var (id, now) = (new ObligationId(_newId()), _loop.Time.GetUtcNow());
            if (await _ledger.CommitAsync(tables => [new LedgerChange.PutObligation(ObligationRules.OweResumption(tables, id, Binding.Pool, Binding.PoolName, one, now))])
                is WriteOutcome.Unwritable refused)
            {
                unwritable = refused.Reason;
            }
        }

        _waitConditions =
        [
            .. lasting.Select(one => new Condition
            {
                Type = ConditionType.IoSuspended,
                PoolId = Binding.Pool,
                VolumeId = one.VolumeId,
                Text = $"I/O of volume {one.VolumeId} on storage pool '{Binding.PoolName}' ({Binding.Pool}) does not go on: {one.Text.TrimEnd('.')}. {Remedy(one, unwritable)}",
            }),
        ];
    }

    private static string Remedy(WaitingVolume waiting, string? unwritable) => (waiting.CanResume, unwritable) switch
    {
        (true, null) => "This host lets it go on.",
        (true, _) => $"This host does not let it go on, because its ledger cannot be written ({unwritable}).",
        _ => "It goes on when its storage is whole again.",
    };

    private IReadOnlyList<ObligationRow> OwedResumptions(VolumeId volume) =>
        [.. _ledger.Tables.OwedTo(Binding.Pool).Where(row => row.Kind == ObligationKind.ResumeIo && row.Volume == volume)];

    private void ForgetWaiting()
    {
        _waitingSince.Clear();
        _waitConditions = [];
    }
}
