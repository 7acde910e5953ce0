using System.Diagnostics.CodeAnalysis;
using Holdfast.Core.Failpoints;
using Holdfast.Core.Waits;
using Microsoft.Extensions.Logging;

namespace Holdfast.Agent.Loop;

/// <summary>
/// Where all of the agent's logic runs: one thing at a time, on the scheduler it is given. Whatever runs here may touch the agent's state without locks,
/// because nothing else runs until it awaits. Adapters (libvirt, processes, sockets, files) come back here through the awaits of their callers.
/// In production the scheduler is the exclusive half of a pair over the thread pool; a simulation gives a single-threaded one on virtual time.
/// </summary>
internal sealed partial class AgentLoop : IDisposable
{
    private static readonly TimeSpan[] Pauses = [TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30)];
    private readonly TaskFactory _factory;
    private readonly ILogger _log;
    private readonly HashSet<Task> _running = [];
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>Makes a loop.</summary>
    /// <param name="scheduler">Runs one task at a time.</param>
    /// <param name="time">The clock of all waits.</param>
    /// <param name="log">Where a bug that ends a job is told.</param>
    public AgentLoop(TaskScheduler scheduler, TimeProvider time, ILogger log)
    {
        _factory = new TaskFactory(CancellationToken.None, TaskCreationOptions.DenyChildAttach, TaskContinuationOptions.None, scheduler);
        Time = time;
        _log = log;
    }

    /// <summary>The clock of all waits.</summary>
    public TimeProvider Time { get; }

    /// <summary>Where a test can make this agent fail, wait or die; off unless it says so.</summary>
    public FailpointSet Failpoints { get; init; } = FailpointSet.None;

    /// <summary>Ends when the agent shuts down.</summary>
    public CancellationToken Stopping => _stopping.Token;

    /// <summary>
    /// Starts a job that its subject needs as long as it is there: the watch, a storage pool's supervisor, a machine's runner. An exception in it is a bug and is
    /// logged, and the job begins again after a pause: a bug may cost its own subject a moment, but never leave an agent that looks well and does nothing.
    /// </summary>
    /// <param name="what">Names the job in the log.</param>
    /// <param name="body">The job; it must be able to begin again wherever it was left.</param>
    public void Keep(string what, Func<Task> body) => Spawn(what, () => KeepAsync(what, body));

    /// <summary>Starts a job on the loop. An exception ends the job and is logged: it is a bug, never an expected failure.</summary>
    /// <param name="what">Names the job in the log.</param>
    /// <param name="body">The job.</param>
    public void Spawn(string what, Func<Task> body)
    {
        var task = _factory.StartNew(() => GuardAsync(what, body)).Unwrap();
        _ = _factory.StartNew(() => _running.Add(task));
        _ = task.ContinueWith(done => _running.Remove(done), CancellationToken.None, TaskContinuationOptions.None, _factory.Scheduler!);
    }

    /// <summary>Runs a function on the loop, for callers that are not on it.</summary>
    public Task<T> InvokeAsync<T>(Func<T> body) => _factory.StartNew(body);

    /// <summary>Runs an asynchronous function on the loop, for callers that are not on it.</summary>
    public Task InvokeAsync(Func<Task> body) => _factory.StartNew(body).Unwrap();

    /// <summary>Tells all jobs to end and waits for them, at most for the given time.</summary>
    public async Task StopAsync(TimeSpan bound)
    {
        await _factory.StartNew(() => _stopping.Cancel());
        var all = await _factory.StartNew(() => Task.WhenAll(_running.ToArray()));
        await all.AtMostAsync(bound, Time);
    }

    /// <inheritdoc/>
    public void Dispose() => _stopping.Dispose();

    [SuppressMessage("Design", "CA1031", Justification = "The boundary of a job: a bug in one job must not end the others.")]
    private async Task GuardAsync(string what, Func<Task> body)
    {
        try
        {
            await body();
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The agent ends; so does the job.
        }
        catch (Exception exception)
        {
            LogJobFailed(what, exception);
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "The boundary of a job: a bug in it must not end it for good.")]
    private async Task KeepAsync(string what, Func<Task> body)
    {
        var backoff = new Backoff(Pauses);
        while (true)
        {
            TimeSpan pause;
            try
            {
                await body();
                return;
            }
            catch (Exception exception) when (!_stopping.IsCancellationRequested)
            {
                pause = backoff.Next();
                LogJobBeginsAgain(what, pause.TotalSeconds, exception);
            }

            await Task.Delay(pause, Time, _stopping.Token);
        }
    }

    [LoggerMessage(EventId = 1001, Level = LogLevel.Error, Message = "Job '{What}' met an unexpected error and begins again in {Seconds:0} s; this is a bug")]
    private partial void LogJobBeginsAgain(string what, double seconds, Exception exception);

    [LoggerMessage(EventId = 1000, Level = LogLevel.Error, Message = "Job '{What}' ended by an unexpected error; this is a bug")]
    private partial void LogJobFailed(string what, Exception exception);
}
