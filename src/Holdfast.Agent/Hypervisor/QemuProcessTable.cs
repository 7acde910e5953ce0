using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace Holdfast.Agent.Hypervisor;

/// <summary>
/// The QEMU processes of this host as the kernel knows them: the truth behind libvirt's, for when libvirt cannot be asked or has dropped a domain whose
/// process lives on.
/// </summary>
/// <remarks>
/// Reading another process's command line can block while that process sleeps in the kernel, so <see cref="Scan"/> belongs on a thread that may hang.
/// What was read once is remembered, so that a process that got stuck later is known without asking it, and one that hung a scan is not asked again but
/// told as <see cref="QemuProcess.Unidentified"/>. Safe from any thread.
/// </remarks>
internal sealed class QemuProcessTable
{
    private const string EmulatorPrefix = "qemu-";

    // Counted from the state, which is the first field after the name.
    private const int StartTimeField = 19;

    private readonly string _root;
    private readonly ConcurrentDictionary<(int ProcessId, ulong StartTime), QemuProcess?> _known = [];

    /// <summary>Makes a table.</summary>
    /// <param name="root">Where the kernel shows processes: /proc.</param>
    public QemuProcessTable(string root) => _root = root;

    /// <summary>Lists the QEMU processes that have not ended, by the UUID of their machine.</summary>
    public IReadOnlyDictionary<Guid, QemuProcess> Scan()
    {
        var seen = new HashSet<(int, ulong)>();
        var found = new Dictionary<Guid, QemuProcess>();
        foreach (var folder in Directory.EnumerateDirectories(_root))
        {
            if (!int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var processId)
                || ReadStat(folder) is not { } stat
                || !stat.Name.StartsWith(EmulatorPrefix, StringComparison.Ordinal))
            {
                continue;
            }

            var key = (processId, stat.StartTime);
            seen.Add(key);

            // An ended one that nobody reaped has no command line any more, and its files are closed.
            if (!_known.TryGetValue(key, out var process) && !HasEnded(folder, stat.State))
            {
                _known[key] = new QemuProcess(QemuProcess.Unidentified, processId, stat.StartTime);
                var arguments = ReadText(Path.Combine(stat.State == 'Z' ? LiveThread(folder) : folder, "cmdline"));
                if (string.IsNullOrEmpty(arguments))
                {
                    // In the middle of its exec: it has its name and not yet its arguments. Not to be remembered as no machine.
                    _known.TryRemove(key, out _);
                    continue;
                }

                _known[key] = process = MachineOf(arguments) is { } machine ? new QemuProcess(machine, processId, stat.StartTime) : null;
            }

            if (process is not null && !HasEnded(folder, stat.State))
            {
                found[process.Machine] = process;
            }
        }

        foreach (var gone in _known.Keys.Where(key => !seen.Contains(key)).ToList())
        {
            _known.TryRemove(gone, out _);
        }

        return found;
    }

    /// <summary>Whether a number still belongs to the process it belonged to when it was seen.</summary>
    public bool IsSame(QemuProcess process) => ReadStat(Path.Combine(_root, Number(process.ProcessId)))?.StartTime == process.StartTime;

    /// <summary>What the threads of a process do that cannot be ended, for an operator.</summary>
    public string DescribeSleep(QemuProcess process)
    {
        var sleeping = new List<string>();
        try
        {
            foreach (var task in Directory.EnumerateDirectories(Path.Combine(_root, Number(process.ProcessId), "task")))
            {
                if (ReadStat(task) is { State: 'D' } stat)
                {
                    sleeping.Add($"{stat.Name} in {ReadText(Path.Combine(task, "wchan")) ?? "an unknown place"}");
                }
            }
        }
        catch (DirectoryNotFoundException)
        {
            return "it ended while it was looked at";
        }

        return sleeping.Count == 0
            ? "none of its threads sleeps uninterruptibly"
            : $"{sleeping.Count} of its threads sleep uninterruptibly in the kernel: {string.Join(", ", sleeping.Distinct().Take(4))}";
    }

    /// <summary>
    /// A leader that has ended is a zombie as long as one of its threads has not, and such a thread keeps all files open: only without it is the process gone.
    /// </summary>
    private static bool HasEnded(string folder, char state)
    {
        if (state is not ('Z' or 'X'))
        {
            return false;
        }

        try
        {
            return Directory.EnumerateDirectories(Path.Combine(folder, "task")).Take(2).Count() < 2;
        }
        catch (DirectoryNotFoundException)
        {
            return true;
        }
    }

    /// <summary>Where a killed process whose leader has ended still shows its arguments: at a thread that has not.</summary>
    private static string LiveThread(string folder)
    {
        try
        {
            return Directory.EnumerateDirectories(Path.Combine(folder, "task")).FirstOrDefault(static task => ReadStat(task) is { State: not ('Z' or 'X') }) ?? folder;
        }
        catch (DirectoryNotFoundException)
        {
            return folder;
        }
    }

    private static (string Name, char State, ulong StartTime)? ReadStat(string folder)
    {
        // 1234 (name, which may have anything in it) S 1 ...
        if (ReadText(Path.Combine(folder, "stat")) is not { } text
            || text.IndexOf('(', StringComparison.Ordinal) is var open && open < 0
            || text.LastIndexOf(')') is var close && close < open)
        {
            return null;
        }

        var fields = text[(close + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields.Length > StartTimeField && ulong.TryParse(fields[StartTimeField], NumberStyles.None, CultureInfo.InvariantCulture, out var startTime)
            ? (text[(open + 1)..close], fields[0][0], startTime)
            : null;
    }

    private static Guid? MachineOf(string commandLine)
    {
        var arguments = commandLine.Split('\0');
        var place = Array.IndexOf(arguments, "-uuid");
        return place >= 0 && place + 1 < arguments.Length && Guid.TryParseExact(arguments[place + 1], "D", out var machine) ? machine : null;
    }

    /// <summary>Null when the process went away meanwhile.</summary>
    private static string? ReadText(string path)
    {
        try
        {
            return File.ReadAllText(path, Encoding.UTF8);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string Number(int processId) => processId.ToString(CultureInfo.InvariantCulture);
}
