using System.Collections.Concurrent;
using Holdfast.Staging;
using Xunit;

[assembly: Holdfast.Scenarios.StageEvidence]

namespace Holdfast.Scenarios;

/// <summary>
/// An installation that many scenarios play on one after another, started at the first need: guests and installations cost seconds, and an installation has to survive
/// all of them anyway. There are two, side by side, since guests mostly wait; each has a libvirtd of its own, so nothing that a scenario hurts is the other's.
/// </summary>
public sealed class SharedStage : IAsyncLifetime
{
    public const string First = "first stage";
    public const string Second = "second stage";

    // By the name of the collection whose tests play on it.
    private static readonly ConcurrentDictionary<string, SharedStage> ByCollection = new();

    private static string CollectionName => TestContext.Current.TestCollection!.TestCollectionDisplayName;

    private Stage? _stage;
    private Exception? _failure;
    private bool _isSuspect;

    /// <summary>Tells what server and agent logged last, and has them started anew before the next test.</summary>
    internal static void TestFailed(Action<string> say)
    {
        if (ByCollection.TryGetValue(CollectionName, out var shared) && shared._stage is { } stage)
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
            ByCollection[CollectionName] = this;
            return _stage ??= await Stage.StartAsync(text => TestContext.Current.TestOutputHelper?.WriteLine(text), breakableNetwork: true);
        }
        catch (Exception failure)
        {
            _failure = failure;
            throw;
        }
    }
}

/// <summary>Scenarios that play on the first installation: storage that is dead or hurt.</summary>
[CollectionDefinition(SharedStage.First)]
public sealed class FirstStage : ICollectionFixture<SharedStage>;

/// <summary>Scenarios that play on the second: programs, networks and daemons that are.</summary>
[CollectionDefinition(SharedStage.Second)]
public sealed class SecondStage : ICollectionFixture<SharedStage>;
