using System.ComponentModel;
using System.Text.Json;
using Holdfast.Cli.Processes;
using Holdfast.Cli.Up;
using Holdfast.Protocol;

namespace Holdfast.Cli.Host;

/// <summary>Has the agent's program read what an agent that does not answer left: its ledger, and what libvirt runs.</summary>
internal static class LedgerReader
{
    /// <summary>Reads.</summary>
    /// <param name="folder">The agent's folder.</param>
    /// <param name="libvirt">URI of the libvirtd that looks after the guests.</param>
    /// <param name="because">Why the agent itself did not tell.</param>
    /// <param name="patience">How long the program may take.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <returns>What it came to.</returns>
    public static async Task<StatusAnswer> ReadAsync(
        string folder, string libvirt, string because, TimeSpan patience, TimeProvider time, CancellationToken cancellationToken)
    {
        try
        {
            var program = ProgramPaths.FromBuild(AppContext.BaseDirectory).Agent;
            var ended = await ShortProcess.RunAsync(program, ["tell", "--data", folder, "--libvirt", libvirt], patience, time, cancellationToken);
            if (ended.Code != 0)
            {
                return new StatusAnswer.Untold($"{because}; {ended.Error.Trim()}");
            }

            var status = JsonSerializer.Deserialize(ended.Output, LocalStatusJson.Default.AgentStatus) ?? throw new JsonException("it is empty");
            status = status with { ReadBecause = because };
            return new StatusAnswer.Told(status, JsonSerializer.Serialize(status, LocalStatusJson.Default.AgentStatus));
        }
        catch (TimeoutException)
        {
            return new StatusAnswer.Untold($"{because}; its ledger in {folder} could not be read within {patience.TotalSeconds:0} s");
        }
        catch (Exception failure) when (failure is FileNotFoundException or Win32Exception or JsonException)
        {
            return new StatusAnswer.Untold($"{because}; its ledger in {folder} could not be read: {failure.Message}");
        }
    }
}
