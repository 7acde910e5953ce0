using System.Text.Json;
using Holdfast.DriverKit;

namespace Holdfast.Drivers.Linstor.Drbd;

/// <summary>Asks the kernel's DRBD how resources are, without LINSTOR. A child process asks, because the kernel may not answer.</summary>
internal sealed class DrbdSetup(IProcessRunner processes, TimeProvider time, BackendCallCounter calls, string program)
{
    private const int NoSuchResource = 10;
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

    private async Task<DrbdAnswer> RunAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(Budget, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        calls.Count("drbdsetup status");
        return await processes.RunAsync(program, arguments, either.Token) switch
        {
            ProcessOutcome.Exited { ExitCode: 0 } done => Read(done.Output),
            ProcessOutcome.Exited { ExitCode: NoSuchResource } => new DrbdAnswer.Resources([]),
            ProcessOutcome.Exited failed => new DrbdAnswer.NotKnown($"drbdsetup ended with {failed.ExitCode}: {failed.Error.Trim()}"),
            ProcessOutcome.Killed => new DrbdAnswer.NotKnown("drbdsetup did not answer in time"),
            ProcessOutcome.NotStarted notStarted => new DrbdAnswer.NotKnown($"drbdsetup cannot be run: {notStarted.Reason}"),
            _ => throw new InvalidOperationException("The hierarchy is closed."),
        };
    }
}
