namespace Holdfast.Server.Api.Authentication;

/// <summary>How many places each peer has just now. Safe for any thread. Nothing runs while nobody has any: the limiters of .NET that know peers wake up ten times a second.</summary>
/// <param name="most">Of one peer.</param>
internal sealed class PeerPlaces(int most)
{
    // Guards _taken.
    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _taken = [];

    /// <summary>Takes a place for a peer.</summary>
    /// <param name="peer">The peer.</param>
    /// <returns>False when it has as many as it may.</returns>
    public bool TryTake(string peer)
    {
        lock (_gate)
        {
            var taken = _taken.GetValueOrDefault(peer);
            if (taken >= most)
            {
                return false;
            }

            _taken[peer] = taken + 1;
            return true;
        }
    }

    /// <summary>Gives a place back.</summary>
    /// <param name="peer">The peer.</param>
    public void Leave(string peer)
    {
        lock (_gate)
        {
            if (--_taken[peer] == 0)
            {
                _taken.Remove(peer);
            }
        }
    }
}
