using Holdfast.Agent.Link;
using Holdfast.Core.Waits;

namespace Holdfast.Worlds.Network;

/// <summary>The agent's end of a watch.</summary>
internal sealed class WatchStream(TimeProvider time)
{
    private readonly Queue<WatchEvent> _events = [];
    private TaskCompletionSource _news = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isOver;
    private string? _broken;

    /// <summary>The agent does not read it any more.</summary>
    public bool IsLeft { get; private set; }

    /// <summary>Items that came so far.</summary>
    public int Items { get; set; }

    public void Put(WatchEvent happening)
    {
        _events.Enqueue(happening);
        _news.TrySetResult();
    }

    /// <summary>The server's end is closed.</summary>
    /// <param name="reason">How it broke; null: it ended as it should.</param>
    public void Break(string? reason)
    {
        (_isOver, _broken) = (true, reason);
        _news.TrySetResult();
    }

    public void Leave() => IsLeft = true;

    /// <summary>The next event; null at the end.</summary>
    public async Task<WatchEvent?> NextAsync(TimeSpan silence, CancellationToken cancellationToken)
    {
        if (_events.Count == 0 && !_isOver)
        {
            _news = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await _news.Task.AtMostAsync(silence, time, cancellationToken);
        }

        if (_events.TryDequeue(out var happening))
        {
            return happening;
        }

        return _isOver
            ? _broken is null ? null : throw new LinkException(_broken)
            : throw new LinkException($"the server was silent for {silence.TotalSeconds:0} s");
    }
}
