using System.Net;
using Holdfast.Server.Security;

namespace Holdfast.Server.Agents;

/// <summary>
/// How often one address may try to join: each try costs a transaction, and whoever asks is nobody yet. A rack of hosts that joins at once passes; who guesses
/// tokens does not. Made once per node; safe for any thread. Nothing runs while nobody tries: the limiters of .NET wake up ten times a second.
/// </summary>
internal sealed class JoinRate
{
    private const int AtOnce = 50;
    private const int Remembered = 1000;
    private static readonly TimeSpan OneTry = TimeSpan.FromSeconds(0.2);

    private readonly TimeProvider _time;
    private readonly long _began;

    // Guards _paid.
    private readonly Lock _gate = new();

    // Until when what an address has tried is paid for, one try after the other; who is not in it has nothing to pay.
    private readonly Dictionary<string, TimeSpan> _paid = [];

    /// <summary>Made once per node.</summary>
    public JoinRate(TimeProvider time) => (_time, _began) = (time, time.GetTimestamp());

    /// <summary>Counts a try.</summary>
    /// <param name="address">Where it came from; null when that is not known.</param>
    /// <returns>False when there were too many from there.</returns>
    public bool Allows(IPAddress? address)
    {
        var peer = PeerNetwork.Of(address);
        lock (_gate)
        {
            var now = _time.GetElapsedTime(_began);
            var paid = _paid.GetValueOrDefault(peer) is var until && until > now ? until : now;
            if (paid - now > OneTry * (AtOnce - 1))
            {
                return false;
            }

            _paid[peer] = paid + OneTry;
            if (_paid.Count % Remembered == 0)
            {
                foreach (var (over, _) in _paid.Where(p => p.Value <= now).ToList())
                {
                    _paid.Remove(over);
                }
            }

            return true;
        }
    }
}
