using Holdfast.Core.States;

namespace Holdfast.Server.VmSchedules;

/// <summary>What schedules do, in CloudStack's words.</summary>
internal static class ScheduledActions
{
    private static readonly (ScheduledAction Action, string Name)[] Table =
    [
        (ScheduledAction.Start, "START"), (ScheduledAction.Stop, "STOP"), (ScheduledAction.Reboot, "REBOOT"), (ScheduledAction.ForceStop, "FORCE_STOP"), (ScheduledAction.ForceReboot, "FORCE_REBOOT"),
    ];

    /// <summary>All of them.</summary>
    public static string Names { get; } = string.Join(", ", Table.Select(t => t.Name));

    /// <summary>The name of one.</summary>
    public static string NameOf(ScheduledAction action) => Table.Single(t => t.Action == action).Name;

    /// <summary>The one of a name, whatever its case; null: there is none.</summary>
    public static ScheduledAction? Find(string name) => Array.FindIndex(Table, t => t.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) is var i and >= 0 ? Table[i].Action : null;

    /// <summary>Whether a VM in a state can be done it to.</summary>
    public static bool IsFor(ScheduledAction action, VmState state) => state == (action == ScheduledAction.Start ? VmState.Stopped : VmState.Running);
}
