using System.Globalization;
using System.Text.Json;
using Holdfast.DriverKit;

namespace Holdfast.Drivers.Linstor.Drbd;

/// <summary>
/// Asks the kernel's DRBD how resources are, and tells it what cannot wait for LINSTOR. A child process does, because the kernel may not answer. Safe for
/// concurrent use.
/// </summary>
internal sealed class DrbdSetup(IProcessRunner processes, TimeProvider time, BackendCallCounter calls, string program)
{
    private const int NoSuchResource = 10;
    private const int WrongUsage = 20;
    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(5);

    /// <summary>One resource.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The resource (absent when the kernel does not have it), or why it is not known.</returns>
    public async Task<DrbdAnswer> AskAsync(string name, CancellationToken cancellationToken)
    {
        var all = await RunAsync(["status", name, "--json"], cancellationToken);
        return all is DrbdAnswer.Resources(var list)
            ? new DrbdAnswer.Resources(list.Where(one => string.Equals(one.Name, name, StringComparison.OrdinalIgnoreCase)).ToList())
            : all;
    }

    /// <summary>All resources.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The resources, or why they are not known.</returns>
    public Task<DrbdAnswer> AskAllAsync(CancellationToken cancellationToken) => RunAsync(["status", "--json"], cancellationToken);

    /// <summary>Makes all I/O of a resource on this host fail, what waits in the kernel and what is to come, and takes the role of primary away from it.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>What became of it.</returns>
    public Task<DrbdDeed> CutOffAsync(string name, CancellationToken cancellationToken) => TellAsync("secondary", ["secondary", "--force", name], cancellationToken);

    /// <summary>Resumes I/O on this host that was suspended by a request, without LINSTOR.</summary>
    /// <param name="minor">The device.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>What became of it.</returns>
    public Task<DrbdDeed> ResumeAsync(int minor, CancellationToken cancellationToken) =>
        TellAsync("resume-io", ["resume-io", minor.ToString(CultureInfo.InvariantCulture)], cancellationToken);

    /// <summary>Reads the output.</summary>
    /// <param name="json">The output.</param>
    /// <returns>The resources, or why they are not known.</returns>
    public static DrbdAnswer Read(string json)
    {
        try
        {
            var list = string.IsNullOrWhiteSpace(json) ? [] : JsonSerializer.Deserialize(json, DrbdJson.Default.ListDrbdResource);
            return list is null || list.Contains(null!) ? new DrbdAnswer.NotKnown("drbdsetup answered nothing that can be read") : new DrbdAnswer.Resources(list);
        }
        catch (JsonException garbage)
        {
            return new DrbdAnswer.NotKnown($"drbdsetup answered something that is not its JSON: {garbage.Message}");
        }
    }

    private async Task<DrbdAnswer> RunAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken) =>
        await StartAsync("status", arguments, cancellationToken) switch
        {
            ProcessOutcome.Exited { ExitCode: 0 } done => Read(done.Output),
            ProcessOutcome.Exited { ExitCode: NoSuchResource } => new DrbdAnswer.Resources([]),
            ProcessOutcome.NotStarted notStarted => new DrbdAnswer.NotKnown(ReasonOf(notStarted), IsMissing: true),
            var failed => new DrbdAnswer.NotKnown(ReasonOf(failed)),
        };

    private async Task<DrbdDeed> TellAsync(string command, IReadOnlyList<string> arguments, CancellationToken cancellationToken) =>
        await StartAsync(command, arguments, cancellationToken) switch
        {
            ProcessOutcome.Exited { ExitCode: 0 } => new DrbdDeed.Done(),
            ProcessOutcome.Exited { ExitCode: WrongUsage } tooOld => new DrbdDeed.Impossible(ReasonOf(tooOld)),
            ProcessOutcome.NotStarted notStarted => new DrbdDeed.Impossible(ReasonOf(notStarted)),
            var failed => new DrbdDeed.Failed(ReasonOf(failed)),
        };

    private async Task<ProcessOutcome> StartAsync(string command, IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(Budget, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        calls.Count($"drbdsetup {command}");
        return either.IsCancellationRequested ? new ProcessOutcome.Killed(Gone: true) : await processes.RunAsync(program, arguments, either.Token);
    }

    private static string ReasonOf(ProcessOutcome outcome) => outcome switch
    {
        ProcessOutcome.Exited failed => $"drbdsetup ended with {failed.ExitCode}: {(failed.Error.Trim() is { Length: > 0 } words ? words : failed.Output.Trim())}",
        ProcessOutcome.Killed { Gone: true } => "drbdsetup did not answer in time",
        ProcessOutcome.Killed => "drbdsetup hangs in the kernel and cannot be ended",
        ProcessOutcome.NotStarted notStarted => $"drbdsetup cannot be run: {notStarted.Reason}",
        _ => throw new InvalidOperationException("The hierarchy is closed."),
    };
}
