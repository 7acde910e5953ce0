using Holdfast.Staging;
using Xunit;

[assembly: Holdfast.Scenarios.StageEvidence]

namespace Holdfast.Scenarios;

/// <summary>One installation for all scenarios, started at the first need: guests and installations cost seconds, and an installation has to survive all of them anyway.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class SharedStage : ICollectionFixture<SharedStage>, IAsyncLifetime
{
    public const string Name = "stage";

    // The one that tests play on; there is only this collection.
    private static SharedStage? _current;

    private Stage? _stage;
    private Exception? _failure;
    private bool _isSuspect;

    /// <summary>Tells what server and agent logged last, and has them started anew before the next test.</summary>
    internal static void TestFailed(Action<string> say)
    {
        if (_current is { _stage: { } stage } shared)
        {
            shared._isSuspect = true;
            stage.Tell(say);
        }
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (_stage is not null)
        {
            await _stage.DisposeAsync();
        }
    }

    /// <summary>The installation.</summary>
    internal async Task<Stage> StageAsync()
    {
        if (_failure is not null)
        {
            // One clear failure instead of a minute's wait in each test.
            throw new InvalidOperationException($"The installation did not come up: {_failure.Message}", _failure);
        }

        if (_isSuspect)
        {
            await _stage!.RenewAsync();
            _isSuspect = false;
        }

        try
        {
            _current = this;
            return _stage ??= await Stage.StartAsync(text => TestContext.Current.TestOutputHelper?.WriteLine(text), breakableNetwork: true);
        }
        catch (Exception failure)
        {
            _failure = failure;
            throw;
        }
    }
}
