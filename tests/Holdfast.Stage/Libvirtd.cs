using System.Globalization;

namespace Holdfast.Staging;

/// <summary>
/// The daemon that looks after all guests of this machine. Whoever hurts it here shares it with nobody: a machine plays one scenario at a time, and each leaves the
/// daemon as it was.
/// </summary>
internal static class Libvirtd
{
    private const string PidFile = "/run/libvirtd.pid";

    private static readonly TimeSpan ComesBackWithin = TimeSpan.FromSeconds(15);

    /// <summary>The daemon's process.</summary>
    /// <exception cref="PromiseBrokenException">None runs.</exception>
    public static int ProcessId => Running() ?? throw new PromiseBrokenException($"no libvirtd runs on this machine by {PidFile}; eng/setup starts one");

    /// <summary>Kills it, and waits until its successor answers: whoever started it (systemd, eng/setup) starts it again.</summary>
    /// <returns>How long there was none.</returns>
    public static async Task<TimeSpan> KillAsync()
    {
        var former = ProcessId;
        await Tool.RunAsync("kill", "-KILL", former.ToString(CultureInfo.InvariantCulture));
        try
        {
            return await AnswersAsync(former, ComesBackWithin);
        }
        catch (PromiseBrokenException)
        {
            // One that was started by hand has nobody who looks after it. What follows needs one.
            await Tool.RunAsync(Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "..", "..", "eng", "setup")));
            return await AnswersAsync(former, ComesBackWithin);
        }
    }

    /// <summary>Freezes it: connects are taken by the kernel, nothing is answered.</summary>
    /// <returns>When it is frozen.</returns>
    public static Task FreezeAsync() => Tool.RunAsync("kill", "-STOP", ProcessId.ToString(CultureInfo.InvariantCulture));

    /// <summary>Lets it go on.</summary>
    /// <returns>When it answers.</returns>
    public static async Task ThawAsync()
    {
        await Tool.RunAsync("kill", "-CONT", ProcessId.ToString(CultureInfo.InvariantCulture));
        await AnswersAsync(former: null, ComesBackWithin);
    }

    private static Task<TimeSpan> AnswersAsync(int? former, TimeSpan deadline) => Wait.UntilAsync(
        "libvirtd to answer", deadline, async () => Running() is { } process && process != former && await Virsh.AnswersAsync());

    private static int? Running() =>
        File.Exists(PidFile) && int.TryParse(File.ReadAllText(PidFile), NumberStyles.None, CultureInfo.InvariantCulture, out var process) && Directory.Exists($"/proc/{process}")
            ? process
            : null;
}
