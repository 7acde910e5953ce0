using Xunit;

namespace Holdfast.LinstorSimulation.Tests;

/// <summary>A simulator without devices and calls against it.</summary>
internal sealed class Cluster : IAsyncDisposable
{
    private Cluster(LinstorSimulator simulator, bool check)
    {
        Simulator = simulator;
        Calls = new Calls(simulator.Uri, check);
    }

    public LinstorSimulator Simulator { get; }

    public Calls Calls { get; }

    /// <summary>One node, storage only.</summary>
    public static Task<Cluster> StorageAsync() => StartAsync(new LinstorSimulatorOptions { NodeName = "kvm1", Devices = DeviceMode.None });

    /// <summary>Three nodes, DRBD on two of them by default.</summary>
    public static Task<Cluster> DrbdAsync(int nodes = 3, string restVersion = "1.28.0") => StartAsync(new LinstorSimulatorOptions
    {
        NodeName = "kvm1",
        SimulatedNodes = [.. Enumerable.Range(2, nodes - 1).Select(static number => $"kvm{number}")],
        Drbd = true,
        Devices = DeviceMode.None,
        RestApiVersion = restVersion,
    });

    public static async Task<Cluster> StartAsync(LinstorSimulatorOptions options, bool check = true) =>
        new(await LinstorSimulator.StartAsync(options, cancellationToken: TestContext.Current.CancellationToken), check);

    /// <summary>Asks again until the answer fulfils the condition; says what it waited for when the time is over.</summary>
    public async Task<Answered> WaitForAsync(string path, Func<Answered, bool> condition, string what)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(20));
        while (true)
        {
            var answer = await Calls.GetAsync(path);
            if (condition(answer))
            {
                return answer;
            }

            try
            {
                await Task.Delay(20, limit.Token);
            }
            catch (OperationCanceledException) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
            {
                throw new TimeoutException($"20 s without {what}; last answer of {path}: {answer.Text}");
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        Calls.Dispose();
        await Simulator.DisposeAsync();
    }
}
