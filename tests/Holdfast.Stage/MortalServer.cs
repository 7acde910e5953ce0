using System.Globalization;
using Holdfast.Cli.Processes;
using Holdfast.Cli.Up;

namespace Holdfast.Staging;

/// <summary>
/// The server of a stage, which dies again and again: each of its lives ends at the first pass of one failpoint, and the next begins at once, for the next failpoint
/// of a list that goes round. Where nothing passes them, a life goes on. The calls of others fail meanwhile, as they do where an operator's server dies.
/// </summary>
internal sealed class MortalServer : IAsyncDisposable
{
    // By SIGKILL, as the runtime tells it; a server that ended in another way has failed by itself.
    private const int Killed = 128 + 9;

    private readonly Stage _stage;
    private readonly IReadOnlyList<string> _places;
    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _guard = new(); // Guards the deaths.
    private readonly List<string> _deaths = [];
    private readonly Task _lives;

    /// <summary>Kills the stage's server and begins.</summary>
    /// <param name="stage">The stage.</param>
    /// <param name="places">The names of the failpoints.</param>
    public MortalServer(Stage stage, params IReadOnlyList<string> places)
    {
        _stage = stage;
        _places = places;
        stage.Stack.Server.Signal(Signal.Kill);
        _lives = LiveAsync();
    }

    /// <summary>Where it has died since this was asked last.</summary>
    /// <returns>The failpoints, in the order of the deaths.</returns>
    public IReadOnlyList<string> TakeDeaths()
    {
        lock (_guard)
        {
            var taken = _deaths.ToArray();
            _deaths.Clear();
            return taken;
        }
    }

    /// <summary>Ends the last life, and starts a server that stays.</summary>
    /// <returns>When the agent watches it.</returns>
    public async ValueTask DisposeAsync()
    {
        _over.TrySetResult();
        try
        {
            await _lives;
        }
        finally
        {
            // Whatever has happened: who comes next on this stage needs a server.
            await _stage.RestartServerAsync();
        }
    }

    private async Task LiveAsync()
    {
        await _stage.Stack.Server.Exited;
        for (var life = 0; !_over.Task.IsCompleted; life++)
        {
            var place = _places[life % _places.Count];
            try
            {
                await _stage.StartServerAsync($"{place}=1*panic");
            }
            catch (StackFaultException) when (_stage.Stack.Server.Exited.IsCompleted)
            {
                // It has reached its place before it answered us: the agent was quicker.
            }

            var died = _stage.Stack.Server.Exited;
            if (await Task.WhenAny(died, _over.Task) != died)
            {
                return;
            }

            var code = await died;
            Promise.Holds(code == Killed, string.Create(CultureInfo.InvariantCulture, $"a server that was to be killed at {place} ended with {code}: {string.Join('\n', _stage.Stack.Server.Tail(20))}"));
            lock (_guard)
            {
                _deaths.Add(place);
            }
        }
    }
}
