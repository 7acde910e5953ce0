using System.Diagnostics.CodeAnalysis;

namespace Holdfast.Libvirt;

/// <summary>
/// A bounded set of threads of its own, with connections of its own, on which libvirt calls run. What happens on one lane delays no other.
/// </summary>
/// <remarks>
/// <para>A body runs synchronously on one thread, so that libvirt's per-thread error is read where it was made. The waiter has a deadline, the thread has
/// none: a call that overruns is left to itself, its thread counts as stuck, and another thread takes its place up to a limit.</para>
/// <para>Safe from any thread.</para>
/// </remarks>
public sealed class LibvirtLane : IDisposable
{
    private readonly LibvirtLaneOptions _options;
    private readonly TimeProvider _time;

    // Guards everything below; threads wait on it for work.
    private readonly object _gate = new();
    private readonly LinkedList<Job> _queue = [];
    private readonly List<Worker> _workers = [];
    private readonly List<LibvirtLink> _links = [];
    private readonly Dictionary<string, int> _keys = [];
    private int _idle;
    private int _threadsMade;
    private bool _disposed;

    /// <summary>Makes a lane. Nothing is started or connected before the first call.</summary>
    /// <param name="options">Its bounds.</param>
    /// <param name="time">The clock of the deadlines.</param>
    public LibvirtLane(LibvirtLaneOptions options, TimeProvider time)
    {
        _options = options;
        _time = time;
    }

    /// <summary>How many calls are past their deadline and still hold a thread.</summary>
    public int StuckCalls
    {
        get
        {
            lock (_gate)
            {
                return CountStuck();
            }
        }
    }

    /// <summary>How many calls run now, stuck ones included.</summary>
    public int RunningCalls
    {
        get
        {
            lock (_gate)
            {
                return _workers.Count - _idle;
            }
        }
    }

    /// <summary>Whether a call waits or runs, also one that nobody waits for any more.</summary>
    /// <param name="key">Whom it is about.</param>
    /// <returns>True as long as its body may yet run or runs.</returns>
    public bool IsUnderWay(string key)
    {
        lock (_gate)
        {
            return _keys.ContainsKey(key);
        }
    }

    /// <summary>Runs a body on a thread of the lane.</summary>
    /// <typeparam name="T">What it returns.</typeparam>
    /// <param name="key">Whom it is about; at most <see cref="LibvirtLaneOptions.MaxPerKey"/> calls with one key are under way. Null for no limit.</param>
    /// <param name="deadline">How long to wait, the time in the queue included.</param>
    /// <param name="body">The calls to make. It must not keep the session, nor block on anything but libvirt.</param>
    /// <param name="cancellationToken">Ends the wait; a body that has begun runs on.</param>
    /// <returns>How it ended.</returns>
    public Task<LibvirtResult<T>> CallAsync<T>(string? key, TimeSpan deadline, Func<LibvirtSession, T> body, CancellationToken cancellationToken) =>
        SubmitAsync(new Job<T>(key, body, null, _time.GetTimestamp(), deadline), cancellationToken);

    /// <summary>Runs a body that needs no connection of the lane, and may block, on a thread of it.</summary>
    /// <typeparam name="T">What it returns.</typeparam>
    /// <param name="deadline">How long to wait, the time in the queue included.</param>
    /// <param name="body">What to do.</param>
    /// <param name="cancellationToken">Ends the wait; a body that has begun runs on.</param>
    /// <returns>How it ended.</returns>
    public Task<LibvirtResult<T>> RunAsync<T>(TimeSpan deadline, Func<T> body, CancellationToken cancellationToken) =>
        SubmitAsync(new Job<T>(null, null, body, _time.GetTimestamp(), deadline), cancellationToken);

    /// <summary>Takes no more calls, ends idle threads and closes their connections. Stuck threads end when their call returns; nobody waits for them.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            foreach (var job in _queue)
            {
                job.Refuse(_options.Name);
            }

            _queue.Clear();
            Monitor.PulseAll(_gate);
        }
    }

    private async Task<LibvirtResult<T>> SubmitAsync<T>(Job<T> job, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_queue.Count >= _options.MaxQueued || !TryTakeKey(job.Key))
            {
                return new LibvirtResult<T>.Saturated(_options.Name);
            }

            _queue.AddLast(job);
            EnsureThread();
            Monitor.PulseAll(_gate);
        }

        try
        {
            return await job.Completion.WaitAsync(job.Deadline, _time, cancellationToken);
        }
        catch (TimeoutException)
        {
            return Withdraw(job) ? new LibvirtResult<T>.Saturated(_options.Name) : new LibvirtResult<T>.TimedOut(job.Deadline);
        }
        catch (OperationCanceledException)
        {
            _ = ReplaceWhenStuckAsync(job);
            throw;
        }
    }

    /// <summary>Takes a job back. True when no thread had begun it; then nothing was done. Otherwise the lane makes up for the thread it holds.</summary>
    private bool Withdraw(Job job)
    {
        lock (_gate)
        {
            if (_queue.Remove(job))
            {
                ReleaseKey(job.Key);
                return true;
            }

            job.IsOverdue = true;
            if (_queue.Count > 0)
            {
                EnsureThread();
                Monitor.PulseAll(_gate);
            }

            return false;
        }
    }

    /// <summary>Whoever cancelled does not wait any more, so somebody else has to see the deadline pass for the sake of the queue.</summary>
    private async Task ReplaceWhenStuckAsync(Job job)
    {
        lock (_gate)
        {
            if (_queue.Remove(job))
            {
                ReleaseKey(job.Key);
                return;
            }
        }

        var left = job.Deadline - _time.GetElapsedTime(job.Enqueued);
        if (left > TimeSpan.Zero)
        {
            await Task.WhenAny(job.Ended, Task.Delay(left, _time, CancellationToken.None));
        }

        Withdraw(job);
    }

    private bool TryTakeKey(string? key)
    {
        if (key is null)
        {
            return true;
        }

        var count = _keys.GetValueOrDefault(key);
        if (count >= _options.MaxPerKey)
        {
            return false;
        }

        _keys[key] = count + 1;
        return true;
    }

    private void ReleaseKey(string? key)
    {
        if (key is not null && --_keys[key] == 0)
        {
            _keys.Remove(key);
        }
    }

    private int CountStuck() => _workers.Count(worker => worker.Current is { } job && (job.IsOverdue || _time.GetElapsedTime(job.Enqueued) > job.Deadline));

    private void EnsureThread()
    {
        var stuck = CountStuck();
        if (_idle >= _queue.Count || _workers.Count - stuck >= _options.MaxThreads || stuck >= _options.MaxStuck)
        {
            return;
        }

        var link = _links.Find(candidate => candidate.Threads < _options.ThreadsPerConnection);
        if (link is null)
        {
            _links.Add(link = new LibvirtLink(_options.Uri));
        }

        link.Threads++;
        var worker = new Worker(link);
        _workers.Add(worker);
        _threadsMade++;
        new Thread(() => Run(worker)) { Name = $"libvirt-{_options.Name}-{_threadsMade}", IsBackground = true }.Start();
    }

    private void Run(Worker worker)
    {
        while (Next(worker) is { } job)
        {
            job.Execute(worker.Link);
        }

        bool last;
        lock (_gate)
        {
            _workers.Remove(worker);
            last = --worker.Link.Threads == 0;
            if (last)
            {
                _links.Remove(worker.Link);
            }
        }

        if (last)
        {
            worker.Link.Close();
        }
    }

    /// <summary>Gives back the last job and waits for the next one; null when the thread is to end.</summary>
    private Job? Next(Worker worker)
    {
        lock (_gate)
        {
            if (worker.Current is { } done)
            {
                ReleaseKey(done.Key);
                worker.Current = null;
            }

            while (!_disposed && _workers.Count - CountStuck() <= _options.MaxThreads)
            {
                if (_queue.First is { } first)
                {
                    _queue.RemoveFirst();
                    return worker.Current = first.Value;
                }

                _idle++;
                Monitor.Wait(_gate);
                _idle--;
            }

            // A thread that came back from being stuck and has been replaced meanwhile.
            return null;
        }
    }

    private sealed class Worker(LibvirtLink link)
    {
        internal LibvirtLink Link { get; } = link;

        internal Job? Current { get; set; }
    }

    private abstract class Job(string? key, long enqueued, TimeSpan deadline)
    {
        internal string? Key { get; } = key;

        internal long Enqueued { get; } = enqueued;

        internal TimeSpan Deadline { get; } = deadline;

        /// <summary>Its waiter has seen the deadline pass, which a timer may do a hair before the clock does. Guarded by the lane.</summary>
        internal bool IsOverdue { get; set; }

        internal abstract Task Ended { get; }

        internal abstract void Execute(LibvirtLink link);

        internal abstract void Refuse(string lane);
    }

    private sealed class Job<T>(string? key, Func<LibvirtSession, T>? withSession, Func<T>? alone, long enqueued, TimeSpan deadline) : Job(key, enqueued, deadline)
    {
        // Continuations must never run on a lane thread.
        private readonly TaskCompletionSource<LibvirtResult<T>> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal Task<LibvirtResult<T>> Completion => _completion.Task;

        internal override Task Ended => _completion.Task;

        internal override void Refuse(string lane) => _completion.TrySetResult(new LibvirtResult<T>.Saturated(lane));

        [SuppressMessage("Design", "CA1031", Justification = "The boundary of the thread: a bug in a body belongs to its waiter.")]
        internal override void Execute(LibvirtLink link)
        {
            LibvirtSession? session = null;
            try
            {
                session = withSession is null ? null : link.Get();
                _completion.TrySetResult(new LibvirtResult<T>.Ok(withSession is null ? alone!() : withSession(session!)));
            }
            catch (LibvirtException failure)
            {
                _completion.TrySetResult(session is null ? new LibvirtResult<T>.Unavailable(failure.Error)
                    : session.IsAlive() ? new LibvirtResult<T>.Failed(failure.Error)
                    : new LibvirtResult<T>.ConnectionLost(failure.Error));
            }
            catch (DllNotFoundException missing)
            {
                _completion.TrySetResult(new LibvirtResult<T>.Unavailable(
                    new LibvirtError(LibvirtErrorCode.NoSupport, 0, $"libvirt is not installed: {missing.Message}")));
            }
            catch (Exception bug)
            {
                _completion.TrySetException(bug);
            }
        }
    }
}
