using System.CommandLine;
using Holdfast.CommandLine;

namespace Holdfast.Cli.Host;

/// <summary><c>holdfast host status</c>: what this machine's agent has and does, told by itself, whether or not a server can be reached; of an agent that does not answer, its ledger and what libvirt runs.</summary>
internal static class HostCommand
{
    /// <summary>Exit code when the agent did not tell.</summary>
    public const int Untold = 1;

    /// <summary>The libvirtd of the machine, which an agent uses unless told otherwise.</summary>
    public const string MachinesOwn = "qemu:///system";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ReadingPatience = TimeSpan.FromSeconds(15);

    /// <summary>Makes the command.</summary>
    /// <returns>The command.</returns>
    public static Command Create()
    {
        var data = ValueOption.Path("--data", "DIR", "The agent's own folder");
        data.DefaultValueFactory = _ => Path.GetFullPath(".holdfast/agent");
        var libvirt = ValueOption.Text("--libvirt", "URI", "URI of the libvirtd that the agent uses; asked only when the agent does not tell");
        libvirt.DefaultValueFactory = _ => MachinesOwn;
        var json = new Option<bool>("--json") { Description = "Print the agent's document as it is, JSON" };
        var status = new Command("status", "Shows machines, storage pools, attachments and what is owed, as the agent on this machine has them; needs no server, and of a dead agent reads its ledger") { data, libvirt, json };
        status.SetAction((parsed, cancellationToken) => StatusAsync(
            parsed.GetRequiredValue(data), parsed.GetRequiredValue(libvirt), parsed.GetValue(json), Console.Out, Console.Error, TimeProvider.System, cancellationToken));
        return new Command("host", "This machine as a host") { status };
    }

    /// <summary>Shows the state of the agent of a folder.</summary>
    /// <param name="folder">The agent's folder.</param>
    /// <param name="libvirt">URI of the libvirtd that looks after the guests; asked only when the agent does not tell.</param>
    /// <param name="json">As JSON instead of tables.</param>
    /// <param name="output">Where it is shown.</param>
    /// <param name="error">Where it is said why it cannot be shown.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the asking.</param>
    /// <returns>0, or <see cref="Untold"/>.</returns>
    public static async Task<int> StatusAsync(
        string folder, string libvirt, bool json, TextWriter output, TextWriter error, TimeProvider time, CancellationToken cancellationToken)
    {
        var answer = await StatusClient.AskAsync(folder, Patience, time, cancellationToken);
        if (answer is StatusAnswer.Untold { Why: var because } && Directory.Exists(folder))
        {
            answer = await LedgerReader.ReadAsync(folder, libvirt, because, ReadingPatience, time, cancellationToken);
        }

        switch (answer)
        {
            case StatusAnswer.Told told:
                if (json)
                {
                    await output.WriteLineAsync(told.Document);
                }
                else
                {
                    StatusTables.Write(told.Status, output);
                }

                return told.Status.ReadBecause is null ? 0 : Untold;
            case StatusAnswer.Untold untold:
                await error.WriteLineAsync($"holdfast: {untold.Why}. Guests do not need the agent to run.");
                return Untold;
            default:
                throw new InvalidOperationException("The hierarchy is closed.");
        }
    }
}
