using System.Globalization;
using Holdfast.Staging;
using Holdfast.Testing;

namespace Holdfast.Bench;

/// <summary>What the figures were measured on, and how.</summary>
internal static class Machine
{
    /// <summary>One line to stand over the tables.</summary>
    /// <param name="stage">The installation.</param>
    /// <param name="arguments">What the bench was called with.</param>
    public static async Task<string> DescribeAsync(Stage stage, IReadOnlyList<string> arguments)
    {
        var guest = await stage.DeployAsync("look");
        var accelerator = (await stage.Virsh.DescribeAsync(guest.Id)).Attribute("type")!.Value == "kvm" ? "KVM" : "TCG";
        await guest.DestroyAsync();
        return await LineAsync($"{accelerator}, ", arguments);
    }

    /// <summary>The same where no guest runs.</summary>
    /// <param name="arguments">What the bench was called with.</param>
    public static Task<string> DescribeAsync(IReadOnlyList<string> arguments) => LineAsync(string.Empty, arguments);

    private static async Task<string> LineAsync(string accelerator, IReadOnlyList<string> arguments)
    {
        var root = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "..", ".."));
        var commit = await Tool.TryAsync(TimeSpan.FromSeconds(10), "git", "-C", root, "describe", "--always", "--dirty");
        var kernel = (await File.ReadAllTextAsync("/proc/sys/kernel/osrelease")).Trim();
        var load = (await File.ReadAllTextAsync("/proc/loadavg")).Split(' ')[0];
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{Environment.ProcessorCount} cores, {accelerator}kernel {kernel}, load before {load}; commit {(commit.Code == 0 ? commit.Output.Trim() : "unknown")}; `{string.Join(' ', ["holdfast-bench", .. arguments])}`");
    }
}
