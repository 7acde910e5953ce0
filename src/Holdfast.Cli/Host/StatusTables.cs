using System.Globalization;
using Holdfast.Protocol.Host;
using Spectre.Console;

namespace Holdfast.Cli.Host;

/// <summary>An agent's state as tables for people.</summary>
internal static class StatusTables
{
    private const string None = "-";

    /// <summary>Writes all of it.</summary>
    /// <param name="status">The state.</param>
    /// <param name="output">Where to.</param>
    public static void Write(AgentStatus status, TextWriter output)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Out = new AnsiConsoleOutput(output) });

        // Lines are not wrapped: ids and errors are copied and searched for.
        console.Profile.Width = 1000;
        if (status.ReadBecause is { } because)
        {
            output.WriteLine($"agent: {because}");
            output.WriteLine($"what follows is its ledger, revision {status.Revision}, and what libvirt runs; guests do not need the agent to run");
            if (status.LedgerUnwritable is { } damage)
            {
                output.WriteLine($"ledger: damaged, rows may be missing: {damage}");
            }
        }
        else
        {
            Conversation(status, output);
        }

        output.WriteLine($"hypervisor: {(status.HypervisorError is { } error ? $"does not answer: {error}" : "answers")}");
        Machines(status, console);
        Guests(status, console);
        Bindings(status, console);
        Attachments(status, console);
        Obligations(status, console);
    }

    private static void Conversation(AgentStatus status, TextWriter output)
    {
        output.WriteLine($"agent {status.Version}");
        output.WriteLine(status.Watching
            ? $"server: watched, revision {status.Revision}"
            : $"server: not reached, revision {status.Revision} is known; {status.LinkError ?? "no attempt has ended yet"}");
        if (!status.Confirmed)
        {
            output.WriteLine("ledger: not confirmed by the server since the agent started; no guest is started before that");
        }

        output.WriteLine($"ledger: {(status.LedgerUnwritable is { } unwritable ? $"cannot be written: {unwritable}" : "written")}");
        output.WriteLine($"last report accepted: {(status.ReportedAt is { } reported ? Moment(reported) : "none since the agent started")}");
        output.WriteLine($"last reconcile with libvirt: {(status.ReconciledAt is { } reconciled ? Moment(reconciled) : "none since the agent started")}");
    }

    private static void Guests(AgentStatus status, IAnsiConsole console) => Show(
        console,
        "guests of libvirt's",
        ["name", "id", "state"],
        from guest in status.Guests
        orderby guest.Name, guest.Id.Value
        select (string[])[guest.Name, guest.Id.ToString(), guest.State.ToLowerInvariant()]);

    private static void Machines(AgentStatus status, IAnsiConsole console)
    {
        var wishes = status.Machines.ToDictionary(machine => machine.Id.Value);
        var reports = status.Items.Where(item => item.Kind == ItemKind.Machine).ToDictionary(item => item.Id);
        Show(
            console,
            "machines",
            ["name", "id", "wanted", "generation", "state", "since", "remark"],
            from id in wishes.Keys.Union(reports.Keys)
            let wish = wishes.GetValueOrDefault(id)
            let report = reports.GetValueOrDefault(id)
            where report?.Machine?.State != MachineState.Absent || wish is { Desired: not Desired.Absent }
            orderby wish?.Name, id
            select (string[])
            [
                wish?.Name ?? "(not named by the server)", id.ToString(), wish is null ? None : Word(wish.Desired), wish is null ? None : Number(wish.Generation.Value),
                report?.Machine is { } machine ? $"{Word(machine.State)} ({Number(report.Generation.Value)})" : None, report is null ? None : Moment(report.Since),
                Remarks(report),
            ]);
    }

    private static void Bindings(AgentStatus status, IAnsiConsole console) => Show(
        console,
        "storage pools",
        ["pool", "id", "driver", "state", "process", "control plane", "data plane", "calls made", "running", "waiting", "refused because", "remark"],
        from binding in status.Bindings
        let report = status.Items.FirstOrDefault(item => item.Kind == ItemKind.Binding && item.Id == binding.PoolId)
        orderby binding.PoolName, binding.PoolId
        select (string[])
        [
            binding.PoolName, binding.PoolId.ToString(), binding.Driver, report?.Binding is { } seen ? Word(seen.State) : None,
            binding.Pid is { } pid ? Number(pid) : None,
            report?.Binding?.Status is { } health ? Word(health.ControlPlane) : None, report?.Binding?.Status is { } same ? Word(same.DataPlane) : None,
            Number(binding.Made), Number(binding.Running), Number(binding.Waiting), binding.Circuit ?? None, Remarks(report),
        ]);

    private static void Attachments(AgentStatus status, IAnsiConsole console) => Show(
        console,
        "attached",
        ["volume", "pool", "backend object", "for", "owner", "state"],
        from attachment in status.Attachments
        orderby attachment.PoolName, attachment.Volume
        select (string[])
        [
            attachment.Volume.ToString(), attachment.PoolName, attachment.BackendName ?? None, attachment.Mode, attachment.Owner.ToString(), attachment.State,
        ]);

    private static void Obligations(AgentStatus status, IAnsiConsole console) => Show(
        console,
        "owed",
        ["what", "id", "pool", "volume", "backend object", "since", "tries", "next try", "last error"],
        from owed in status.Obligations
        where owed.State == ObligationState.Owed
        orderby owed.CreatedAt, owed.Id.Value
        select (string[])
        [
            Word(owed.Kind), owed.Id.ToString(), owed.PoolName, owed.VolumeId.ToString(), owed.BackendName ?? None, Moment(owed.CreatedAt), Number(owed.Tries),
            owed.NextTryAt is { } next ? Moment(next) : None, owed.LastError ?? None,
        ]);

    private static void Show(IAnsiConsole console, string title, string[] columns, IEnumerable<string[]> rows)
    {
        var lines = rows.ToList();
        console.WriteLine();
        if (lines.Count == 0)
        {
            console.WriteLine($"{title}: none");
            return;
        }

        console.WriteLine($"{title}: {Number(lines.Count)}");
        var table = new Table { Border = TableBorder.Simple };
        foreach (var column in columns)
        {
            table.AddColumn(new TableColumn(new Text(column)).NoWrap());
        }

        foreach (var line in lines)
        {
            table.AddRow(line.Select(static cell => new Text(cell.ReplaceLineEndings(" "))));
        }

        console.Write(table);
    }

    private static string Remarks(ItemReport? report) => report is { Conditions: [_, ..] conditions } ? string.Join("; ", conditions.Select(condition => condition.Text)) : None;

    private static string Moment(DateTimeOffset moment) => moment == default ? None : moment.ToString("u", CultureInfo.InvariantCulture);

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    // The words of the wire, kebab-case, are what logs and the API show too.
    private static string Word<T>(T value)
        where T : struct, Enum => string.Concat(value.ToString().Select((letter, at) => char.IsUpper(letter) ? (at > 0 ? "-" : string.Empty) + char.ToLowerInvariant(letter) : letter.ToString()));
}
