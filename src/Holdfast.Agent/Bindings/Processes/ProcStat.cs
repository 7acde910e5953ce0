using System.Globalization;

namespace Holdfast.Agent.Bindings.Processes;

/// <summary>What the kernel says about a process.</summary>
internal static class ProcStat
{
    /// <summary>
    /// When the process was started, in the kernel's ticks since boot: with the id, the identity of a process, because ids are used again.
    /// </summary>
    /// <returns>The ticks, or null when there is no such process (a zombie counts as none).</returns>
    public static long? StartTicks(int pid)
    {
        try
        {
            // The name in parentheses may hold anything; the fields after it are counted from its end.
            var text = File.ReadAllText($"/proc/{pid.ToString(CultureInfo.InvariantCulture)}/stat");
            var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] is "Z" or "X" ? null : long.Parse(fields[19], CultureInfo.InvariantCulture);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
