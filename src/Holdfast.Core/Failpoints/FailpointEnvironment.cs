#if DEBUG
using System.Diagnostics;

namespace Holdfast.Core.Failpoints;

/// <summary>
/// Arms the failpoints of a real process from the environment, as <c>HOLDFAST_FAILPOINTS=agent.start.done=1*panic</c>. Debug builds only: a release build does
/// not contain this type, so nothing in its environment can make it fail.
/// </summary>
public static class FailpointEnvironment
{
    /// <summary>The variable.</summary>
    public const string Variable = "HOLDFAST_FAILPOINTS";

    /// <summary>Reads the variable.</summary>
    /// <param name="time">The clock that delays are counted on.</param>
    /// <returns>The failpoints; <see cref="FailpointSet.None"/> when the variable is not set.</returns>
    /// <exception cref="FormatException">The variable makes no sense.</exception>
    public static FailpointSet Read(TimeProvider time)
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } text)
        {
            return FailpointSet.None;
        }

        var points = new FailpointSet(
            static _ =>
            {
                // SIGKILL: no handler runs, no buffer is flushed.
                using var self = Process.GetCurrentProcess();
                self.Kill();
                self.WaitForExit();
            },
            time);
        points.Arm(text);
        return points;
    }
}
#endif
