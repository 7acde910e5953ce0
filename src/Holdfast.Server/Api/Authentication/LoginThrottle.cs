namespace Holdfast.Server.Api.Authentication;

/// <summary>
/// Bounds guessing: after a few failures a (user, address) pair, and after more of them a user from anywhere, has to wait, longer each time. Kept in
/// memory, a node forgets it at restart; that costs an attacker's advantage of one burst per restart and nothing else. Safe to call from any thread.
/// </summary>
internal sealed class LoginThrottle
{
    // Not by System.Threading.RateLimiting, whose limiters count tries: here failures count, a success takes them back, and the wait grows.
    private const int FreeFailuresPerAddress = 5;
    private const int FreeFailuresPerUser = 50;
    private const int MaxEntries = 10_000;
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Memory = TimeSpan.FromMinutes(15);

    private readonly TimeProvider _time;

    // Guards _entries.
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Makes a throttle.</summary>
    public LoginThrottle(TimeProvider time) => _time = time;

    /// <summary>How many names and addresses are remembered; bounded.</summary>
    internal int Count
    {
        get
        {
            lock (_lock)
            {
                return _entries.Count;
            }
        }
    }

    /// <summary>Whether a login may be tried now.</summary>
    public bool MayTry(string userName, string address)
    {
        var now = _time.GetUtcNow();
        lock (_lock)
        {
            return MayTry(UserKey(userName), now) && MayTry(AddressKey(userName, address), now);
        }
    }

    /// <summary>Counts a failed login.</summary>
    public void Failed(string userName, string address)
    {
        var now = _time.GetUtcNow();
        lock (_lock)
        {
            Note(AddressKey(userName, address), FreeFailuresPerAddress, now);
            Note(UserKey(userName), FreeFailuresPerUser, now);
        }
    }

    /// <summary>Forgets the failures of a user who logged in from this address.</summary>
    public void Succeeded(string userName, string address)
    {
        lock (_lock)
        {
            _entries.Remove(AddressKey(userName, address));
        }
    }

    private static string UserKey(string userName) => "u\n" + userName;

    private static string AddressKey(string userName, string address) => "a\n" + address + "\n" + userName;

    private bool MayTry(string key, DateTimeOffset now) => !_entries.TryGetValue(key, out var entry) || entry.NotBefore <= now;

    private void Note(string key, int free, DateTimeOffset now)
    {
        if (_entries.Count >= MaxEntries)
        {
            foreach (var old in _entries.Where(e => e.Value.Last + Memory < now).Select(e => e.Key).ToList())
            {
                _entries.Remove(old);
            }

            // Still full: somebody sends ever new names. The oldest half goes; the pairs that are being guessed at stay.
            if (_entries.Count >= MaxEntries)
            {
                foreach (var old in _entries.OrderBy(e => e.Value.Last).Take(MaxEntries / 2).Select(e => e.Key).ToList())
                {
                    _entries.Remove(old);
                }
            }
        }

        var failures = _entries.TryGetValue(key, out var entry) && entry.Last + Memory >= now ? entry.Failures + 1 : 1;
        var over = failures - free;
        var wait = over < 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(Math.Min(LongestWait.TotalSeconds, Math.Pow(2, Math.Min(over, 10))));
        _entries[key] = new Entry(failures, now, now + wait);
    }

    private sealed record Entry(int Failures, DateTimeOffset Last, DateTimeOffset NotBefore);
}
