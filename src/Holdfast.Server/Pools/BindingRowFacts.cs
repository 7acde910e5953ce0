using System.Text.Json;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Protocol;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Holdfast.Server.Store.Rows;

namespace Holdfast.Server.Pools;

/// <summary>Reads the planner's facts about a pool on a host from the rows.</summary>
internal static class BindingRowFacts
{
    /// <summary>The facts of one binding.</summary>
    /// <param name="binding">The binding.</param>
    /// <param name="host">Its host.</param>
    /// <returns>The facts.</returns>
    public static PoolBindingFacts Of(BindingRow binding, HostRow host)
    {
        var conditions = JsonSerializer.Deserialize(binding.Conditions, HostJson.Default.IReadOnlyListCondition) ?? [];
        return new PoolBindingFacts
        {
            HostName = host.Name,
            IsHostUp = host.State == HostState.Up && host.IncarnationId == binding.IncarnationId,
            Wish = binding.Desired switch
            {
                Desired.Attached => BindingWish.Attached,
                Desired.Quiesced => BindingWish.Quiesced,
                _ => BindingWish.Absent,
            },
            IsCurrent = binding.ObservedGeneration is { } seen && seen >= binding.Generation,
            IsQuiesced = binding.Observed == BindingState.Quiesced,
            IsAbsent = binding.Absent is not null,
            IsAbsolved = binding.Absolved is not null,
            IsServing = binding is { Observed: BindingState.Attached, ControlPlane: PlaneHealth.Up },
            NotShared = binding.NotShared,
            CapacityBytes = binding.CapacityBytes,
            Error = binding.Error,
            Refusal = conditions.FirstOrDefault(IsLasting)?.Text,
            Remark = conditions.Count == 0 ? null : conditions[0].Text,
        };
    }

    // A backend that is not reached, busy, or unclear may be well a moment later, and so may a driver that was not ready in time. What has no code was not said by a backend.
    private static bool IsLasting(Condition condition) => condition.Type switch
    {
        ConditionType.DriverMissing or ConditionType.DriverNotStarting => true,
        ConditionType.Failed => condition.Code is null || IsLasting(condition.Code.Value),
        ConditionType.BackendUnhealthy => condition.Code is { } code && IsLasting(code),
        _ => false,
    };

    private static bool IsLasting(DriverErrorCode code) => code is not (DriverErrorCode.Unreachable or DriverErrorCode.Busy or DriverErrorCode.Unknown);
}
