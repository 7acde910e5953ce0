using System.Globalization;
using System.Text;
using Holdfast.Agent.Ledger;
using Holdfast.Protocol.Host;

namespace Holdfast.Worlds.History;

/// <summary>A history for a person to read.</summary>
internal static class HistoryText
{
    /// <summary>One entry on one line.</summary>
    public static string Line(HistoryEntry entry) => string.Create(CultureInfo.InvariantCulture, $"{entry.At.TotalSeconds,11:0.0000} {Text(entry)}");

    /// <summary>The entries around one, with what was logged.</summary>
    public static string Around(IReadOnlyList<HistoryEntry> entries, int index, int before = 60, int after = 5)
    {
        var text = new StringBuilder();
        for (var i = Math.Max(0, index - before); i < Math.Min(entries.Count, index + after + 1); i++)
        {
            text.Append(i == index ? "> " : "  ").AppendLine(Line(entries[i]));
        }

        return text.ToString();
    }

    private static string Text(HistoryEntry entry) => entry switch
    {
        HistoryEntry.ApiCalled e => $"client -> server #{e.Call} {e.Command}",
        HistoryEntry.ApiAnswered e => $"client <- server #{e.Call} {e.Answer}",
        HistoryEntry.ItemDelivered e => $"{e.Host} <- item {Item(e.Item)}",
        HistoryEntry.Reported e => $"{e.Host} -> report {e.Report.Sequence}: {Report(e.Report)}",
        HistoryEntry.LedgerWritten e => $"{e.Host} ledger: {string.Join("; ", e.Changes.Select(Change))}",
        HistoryEntry.LedgerDamaged e => $"{e.Host} ledger damaged, {e.Left.Count} rows can be read",
        HistoryEntry.DriverCalled e => $"{e.Host} driver {e.Pid} of {Short(e.Pool.Value)} <- {e.Call}",
        HistoryEntry.DriverAnswered e => $"{e.Host} driver {e.Pid} of {Short(e.Pool.Value)} -> {e.Call}: {e.Answer}",
        HistoryEntry.DriverStarted e => $"{e.Host} driver {e.Pid} of {Short(e.Pool.Value)} starts",
        HistoryEntry.DriverEnded e => $"{e.Host} driver {e.Pid} of {Short(e.Pool.Value)} ends: {e.How}",
        HistoryEntry.FoldersRemoved e => $"{e.Host} folders of {Short(e.Pool.Value)} removed",
        HistoryEntry.VolumeMade e => $"pool {Short(e.Pool.Value)}: volume {Short(e.Volume.Value)} made ({e.By})",
        HistoryEntry.VolumeDestroyed e => $"pool {Short(e.Pool.Value)}: volume {Short(e.Volume.Value)} destroyed ({e.By}){(e.WasAttached ? " WHILE ATTACHED" : "")}",
        HistoryEntry.VolumeAttached e => $"pool {Short(e.Pool.Value)}: volume {Short(e.Volume.Value)} attached to {e.Host} for {e.Mode} as {e.Path}",
        HistoryEntry.VolumeReleased e => $"pool {Short(e.Pool.Value)}: volume {Short(e.Volume.Value)} released from {e.Host} for {e.Mode}",
        HistoryEntry.VolumeCut e => $"pool {Short(e.Pool.Value)}: volume {Short(e.Volume.Value)} CUT OFF on {e.Host}",
        HistoryEntry.WriteConfirmed e => $"pool {Short(e.Pool.Value)}: volume {Short(e.Volume.Value)} write {e.Number} confirmed on {e.Host}",
        HistoryEntry.ContentRead e => $"pool {Short(e.Pool.Value)}: volume {Short(e.Volume.Value)} holds {e.Number}, read on {e.Host}",
        HistoryEntry.StartAsked e => $"{e.Host} libvirt <- start {Short(e.Vm.Value)} generation {e.Generation}",
        HistoryEntry.GuestStarted e => $"{e.Host} GUEST {Short(e.Vm.Value)} runs, generation {e.Generation}, disks {Disks(e.Disks)}",
        HistoryEntry.GuestDisksChanged e => $"{e.Host} guest {Short(e.Vm.Value)} has disks {Disks(e.Disks)}",
        HistoryEntry.DestroyAsked e => $"{e.Host} libvirt <- destroy {Short(e.Vm.Value)}",
        HistoryEntry.GuestKilled e => $"{e.Host} guest {Short(e.Vm.Value)} was sent SIGKILL and has not ended",
        HistoryEntry.GuestPaused e => $"{e.Host} guest {Short(e.Vm.Value)} STANDS STILL: {e.Reason}",
        HistoryEntry.GuestResumed e => $"{e.Host} guest {Short(e.Vm.Value)} goes on, {(e.ByItsHost ? "by its host" : "by hand")}",
        HistoryEntry.GuestRestarted e => $"{e.Host} guest {Short(e.Vm.Value)} is restarted in place",
        HistoryEntry.GuestEnded e => $"{e.Host} GUEST {Short(e.Vm.Value)} is gone: {e.How}",
        HistoryEntry.AgentStarted e => $"{e.Host} agent starts",
        HistoryEntry.AgentEnded e => $"{e.Host} agent ends: {e.How}",
        HistoryEntry.HostLostPower e => $"{e.Host} loses power",
        HistoryEntry.HostReimaged e => $"{e.Host} is installed anew",
        HistoryEntry.ServerStarted => "server starts",
        HistoryEntry.ServerEnded e => $"server ends: {e.How}",
        HistoryEntry.Fault e => $"*** {(e.Begins ? "FAULT" : "healed")}: {e.What}",
        HistoryEntry.VmSeen e => $"seen: VM {e.Name} ({Short(e.Vm.Value)}) {e.State}{(e.Runs ? ", runs" : "")}{(e.IsToldPaused ? ", paused" : "")}",
        HistoryEntry.JobOverdue e => $"seen: job {Short(e.Job.Value)} ({e.Description}) pending {e.Late.TotalSeconds:0} s after its deadline",
        HistoryEntry.Settled e => e.Unsettled.Count == 0 ? "settled" : $"NOT settled: {string.Join("; ", e.Unsettled)}",
        HistoryEntry.Logged e => $"    {e.Who} {e.Level}: {e.Text}",
        _ => entry.ToString(),
    };

    /// <summary>The telling part of an id of this world: maker and number.</summary>
    public static string Short(Guid id)
    {
        var text = id.ToString();
        return $"{text[9..13]}-{text[..8].TrimStart('0')}";
    }

    private static string Item(HostItem item) =>
        $"{item.Revision}: {item.Kind} {Short(item.Id)} {item.Desired} generation {item.Generation}"
        + (item.Task is { } task ? $" {task.GetType().Name}" : "")
        + (item.ExpiresInMs is { } left ? $" within {left} ms" : "");

    private static string Report(HostReport report) => string.Join("; ", [
        .. report.Items.Select(item => $"{item.Kind} {Short(item.Id)} generation {item.Generation} {(object?)item.Binding?.State ?? (object?)item.Machine?.State ?? item.Task?.State}"
            + string.Concat(item.Conditions.Select(condition => $" [{condition.Type}: {condition.Text}]"))),
        .. report.Obligations.Select(owed => $"{owed.Kind} of {Short(owed.VolumeId.Value)} {owed.State}"),
    ]);

    private static string Change(LedgerChange change) => change switch
    {
        LedgerChange.PutItem { Row.Item: var item } => $"item {item.Kind} {Short(item.Id)} {item.Desired} {item.Generation}",
        LedgerChange.DropItem drop => $"-item {drop.Kind} {Short(drop.Id)}",
        LedgerChange.PutMachine { Row: var row } => $"machine {Short(row.Machine.Value)} {row.State} {row.Generation}",
        LedgerChange.PutAttachment { Row: var row } => $"attachment {Short(row.Volume.Value)} {row.Mode} {row.State}{row.Cut switch { null => "", { IsConfirmed: true } => " cut off", _ => " to be cut off" }}",
        LedgerChange.DropAttachment drop => $"-attachment {Short(drop.Key.Volume.Value)} {drop.Key.Mode}",
        LedgerChange.PutObligation { Row: var row } => $"obligation {row.Kind} {Short(row.Volume.Value)} {row.State} tries {row.Tries}",
        LedgerChange.DropObligation drop => $"-obligation {Short(drop.Id.Value)}",
        LedgerChange.PutTask { Row: var row } => $"task {Short(row.Task.Value)} {row.State}",
        LedgerChange.DropTask drop => $"-task {Short(drop.Id.Value)}",
        LedgerChange.PutBinding { Row: var row } => $"binding {Short(row.Pool.Value)} absent {row.Generation}",
        LedgerChange.DropBinding drop => $"-binding {Short(drop.Pool.Value)}",
        LedgerChange.SetNumber set => $"{set.Number}={set.Value}",
        _ => change.ToString(),
    };

    private static string Disks(IReadOnlyList<GuestDisk> disks) => string.Join(", ", disks.Select(disk => $"{Short(disk.Volume.Value)} at {disk.Path}"));
}
