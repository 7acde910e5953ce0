using System.Security.Cryptography;
using System.Text;
using Holdfast.Worlds.Simulation;

namespace Holdfast.Worlds.History;

/// <summary>Writes the history and shows every entry to the checkers as it happens. The first broken invariant ends the run.</summary>
internal sealed class Recorder(Simulator simulator)
{
    private readonly List<HistoryEntry> _entries = [];
    private readonly List<Checking.Checker> _checkers = [];

    public IReadOnlyList<HistoryEntry> Entries => _entries;

    public Checking.Violation? Violation { get; private set; }

    /// <summary>Counts entries a checker looked at: a checker that saw nothing has proven nothing.</summary>
    public IReadOnlyList<Checking.Checker> Checkers => _checkers;

    public void Watch(Checking.Checker checker) => _checkers.Add(checker);

    public void Add(HistoryEntry entry)
    {
        entry = entry with { At = simulator.Now };
        _entries.Add(entry);
        if (Violation is not null)
        {
            return;
        }

        foreach (var checker in _checkers)
        {
            if (checker.Look(entry) is { } broken)
            {
                Violation = new Checking.Violation(checker.Invariant, broken, _entries.Count - 1);
                simulator.Stop();
                return;
            }
        }
    }

    /// <summary>One hash over everything that happened: two runs with the same one are the same history.</summary>
    public string Digest()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var entry in _entries)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(HistoryText.Line(entry)));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
