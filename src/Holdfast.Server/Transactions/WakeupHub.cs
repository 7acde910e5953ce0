using System.Collections.Concurrent;
using Holdfast.Core.Waits;

namespace Holdfast.Server.Transactions;

/// <summary>
/// Tells waiting requests of this node that something they look at may have changed. A hint, never the truth: whoever waits also looks again after a while.
/// Safe for any thread.
/// </summary>
internal sealed class WakeupHub
{
    private readonly ConcurrentDictionary<Guid, Topic> _topics = new();
    private readonly TimeProvider _time;

    /// <summary>Made once per node.</summary>
    public WakeupHub(TimeProvider time) => _time = time;

    /// <summary>Wakes whoever waits for a topic.</summary>
    /// <param name="topic">An incarnation's or a pool's id.</param>
    public void Signal(Guid topic)
    {
        if (_topics.TryGetValue(topic, out var found))
        {
            found.Signal();
        }
    }

    /// <summary>Wakes everybody: what was missed while notifications were not heard is unknown.</summary>
    public void SignalAll()
    {
        foreach (var topic in _topics.Values)
        {
            topic.Signal();
        }
    }

    /// <summary>Begins to listen. What is signalled from now on ends the next wait.</summary>
    /// <param name="topic">An incarnation's or a pool's id.</param>
    /// <returns>The subscription; dispose it.</returns>
    public Subscription Subscribe(Guid topic)
    {
        while (true)
        {
            var found = _topics.GetOrAdd(topic, static _ => new Topic());
            if (found.TryEnter())
            {
                return new Subscription(this, topic, found, _time);
            }

            _topics.TryRemove(KeyValuePair.Create(topic, found));
        }
    }

    private sealed class Topic
    {
        // Guards _next and _count.
        private readonly Lock _gate = new();
        private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _count;

        public Task Next
        {
            get
            {
                lock (_gate)
                {
                    return _next.Task;
                }
            }
        }

        public bool TryEnter()
        {
            lock (_gate)
            {
                if (_count < 0)
                {
                    return false;
                }

                _count++;
                return true;
            }
        }

        public bool LeaveAndClose()
        {
            lock (_gate)
            {
                if (--_count > 0)
                {
                    return false;
                }

                _count = -1;
                return true;
            }
        }

        public void Signal()
        {
            TaskCompletionSource ended;
            lock (_gate)
            {
                ended = _next;
                _next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            ended.SetResult();
        }
    }

    /// <summary>One listener. Not safe for use by two waits at once.</summary>
    internal sealed class Subscription : IDisposable
    {
        private readonly WakeupHub _hub;
        private readonly Guid _key;
        private readonly Topic _topic;
        private readonly TimeProvider _time;
        private Task _next;

        internal Subscription(WakeupHub hub, Guid key, object topic, TimeProvider time)
        {
            _hub = hub;
            _key = key;
            _topic = (Topic)topic;
            _time = time;
            _next = _topic.Next;
        }

        /// <summary>Waits for a signal since the last wait, or for the time to pass.</summary>
        /// <param name="atMost">The time.</param>
        /// <param name="cancellationToken">Ends the wait.</param>
        public async Task WaitAsync(TimeSpan atMost, CancellationToken cancellationToken)
        {
            // The slow poll is the truth; the signal only saves time.
            await _next.AtMostAsync(atMost, _time, cancellationToken);
            if (_next.IsCompleted)
            {
                _next = _topic.Next;
            }
        }

        /// <inheritdoc/>
        public void Dispose()
        {
            if (_topic.LeaveAndClose())
            {
                _hub._topics.TryRemove(KeyValuePair.Create(_key, _topic));
            }
        }
    }
}
