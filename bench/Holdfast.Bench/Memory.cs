using System.Globalization;

namespace Holdfast.Bench;

/// <summary>What processes weigh.</summary>
internal static class Memory
{
    /// <summary>Resident memory of a process.</summary>
    public static long ResidentKiB(int process) => File.ReadLines($"/proc/{process.ToString(CultureInfo.InvariantCulture)}/status")
        .Where(line => line.StartsWith("VmRSS:", StringComparison.Ordinal))
        .Select(line => long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture))
        .First();

    public static void Row(string what, int process) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {what} | {ResidentKiB(process) / 1024.0:0} |"));
}
