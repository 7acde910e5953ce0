using System.Globalization;

namespace Holdfast.Staging;

/// <summary>What the test guest says on its serial port, read from the log that the host keeps of it.</summary>
internal sealed class GuestConsole
{
    private const string Ready = "holdfast-guest ready";

    private readonly string _path;

    /// <summary>Opens it.</summary>
    /// <param name="path">The log file.</param>
    public GuestConsole(string path) => _path = path;

    /// <summary>How often the guest has come up.</summary>
    public int Boots => Read().Count(line => line.StartsWith(Ready, StringComparison.Ordinal));

    /// <summary>The last number that the guest says to have written to a disk; 0 when none.</summary>
    /// <param name="disk">The disk as the guest sees it: <c>vda</c>.</param>
    /// <returns>The number.</returns>
    public long Counter(string disk) => Read()
        .Where(line => line.StartsWith($"counter {disk} ", StringComparison.Ordinal))
        .Select(line => line.Split(' ')[2])
        .Where(number => long.TryParse(number, CultureInfo.InvariantCulture, out _))
        .Select(number => long.Parse(number, CultureInfo.InvariantCulture))
        .LastOrDefault();

    /// <summary>Whether the guest has written to a disk since it last came up.</summary>
    /// <param name="disk">The disk as the guest sees it: <c>vda</c>.</param>
    /// <returns>Whether it says so.</returns>
    public bool HasWrittenSinceBoot(string disk) =>
        Read().Reverse().TakeWhile(line => !line.StartsWith(Ready, StringComparison.Ordinal)).Any(line => line.StartsWith($"counter {disk} ", StringComparison.Ordinal));

    /// <summary>The processors that the guest says to use, and the KiB of memory that it has; null before it has said so.</summary>
    /// <returns>Both.</returns>
    public (int Cpus, long MemoryKib)? Size()
    {
        // "size cpus 0-1 memory 210000 KiB"
        if (Read().LastOrDefault(line => line.StartsWith("size cpus ", StringComparison.Ordinal) && line.EndsWith(" KiB", StringComparison.Ordinal)) is not { } said)
        {
            return null;
        }

        var words = said.Split(' ');
        var ranges = words[2].Split(',').Select(range => range.Split('-').Select(number => int.Parse(number, CultureInfo.InvariantCulture)).ToArray());
        return (ranges.Sum(range => range[^1] - range[0] + 1), long.Parse(words[4], CultureInfo.InvariantCulture));
    }

    /// <summary>What the guest found on its configuration drive since it last came up, by path; null before it has read all of it.</summary>
    /// <returns>The files.</returns>
    public IReadOnlyDictionary<string, string>? Drive()
    {
        const string line = "drive ";
        var lines = Read().ToList();

        // It reads the drive beside all else, so it may say so before or after that it is ready: the last reading that is whole counts.
        var end = lines.FindLastIndex(said => said == "drive end");
        if (end < 0)
        {
            return null;
        }

        var begin = lines.FindLastIndex(end - 1, said => said == "drive end") + 1;
        return lines[begin..end].Where(said => said.StartsWith(line, StringComparison.Ordinal)).Select(said => said[line.Length..].Split(' ', 2)).ToDictionary(file => file[0], file => file.Length > 1 ? file[1] : string.Empty);
    }

    /// <summary>How often the guest has read all of a configuration drive.</summary>
    public int DrivesRead => Read().Count(said => said == "drive end");

    /// <summary>The whole log, for texts of failures.</summary>
    /// <returns>Its last lines.</returns>
    public string Tail() => string.Join('\n', Read().TakeLast(15));

    private IReadOnlyList<string> Read()
    {
        try
        {
            using var reader = new StreamReader(new FileStream(_path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
            return reader.ReadToEnd().Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return [];
        }
    }
}
