using Holdfast.Core.States;

namespace Holdfast.Core.Planning;

/// <summary>What one host still has to do about one pool, for people.</summary>
public static class BindingProgress
{
    /// <summary>What is waited for.</summary>
    /// <param name="facts">The pool on the host.</param>
    /// <param name="host">Whether the host is heard of.</param>
    /// <param name="generation">The generation of what it was told last.</param>
    /// <param name="condition">What the host itself says stands in the way.</param>
    /// <returns>A sentence; null when nothing is waited for.</returns>
    public static string? WaitingFor(PoolBindingFacts facts, HostState host, long generation, string? condition)
    {
        var isDone = facts.IsAbsent || (facts.IsCurrent && facts.Wish switch
        {
            BindingWish.Attached => facts.IsServing,
            BindingWish.Quiesced => facts.IsQuiesced,
            _ => false,
        });
        if (isDone)
        {
            return null;
        }

        var wish = facts.Wish switch
        {
            BindingWish.Attached => "serve it",
            BindingWish.Quiesced => "quiesce it",
            _ => "end its driver",
        };
        return !facts.IsHostUp
            ? $"host {facts.HostName} is {host}; it is told to {wish} when it reports again" + (facts.Wish == BindingWish.Absent ? ", or is absolved when the host is re-installed or deleted" : string.Empty)
            : !facts.IsCurrent ? $"host {facts.HostName} has not yet answered to generation {generation}: {wish}"
            : condition ?? facts.Error ?? $"host {facts.HostName} is about to {wish}";
    }
}
