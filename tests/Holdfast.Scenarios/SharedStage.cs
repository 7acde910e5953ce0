using Holdfast.Staging;
using Xunit;

namespace Holdfast.Scenarios;

/// <summary>One installation for all scenarios, started at the first need: guests and installations cost seconds, and an installation has to survive all of them anyway.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class SharedStage : ICollectionFixture<SharedStage>, IAsyncLifetime
{
    public const string Name = "stage";

    private Stage? _stage;
    private Exception? _failure;

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

        try
        {
            return _stage ??= await Stage.StartAsync(text => TestContext.Current.TestOutputHelper?.WriteLine(text), breakableNetwork: true);
        }
        catch (Exception failure)
        {
            _failure = failure;
            throw;
        }
    }
}
