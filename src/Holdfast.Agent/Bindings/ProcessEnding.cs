using Holdfast.Core.Waits;

namespace Holdfast.Agent.Bindings;

/// <summary>Ends a driver process, gently first.</summary>
internal static class ProcessEnding
{
    private static readonly TimeSpan AfterClose = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan AfterTerminate = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan AfterKill = TimeSpan.FromSeconds(5);

    /// <summary>Ends it.</summary>
    /// <param name="process">The process.</param>
    /// <param name="isHung">Whether it does not answer, so that asking is a waste of time.</param>
    /// <param name="time">The clock.</param>
    /// <returns>How it ended; null when it cannot be ended.</returns>
    public static async Task<string?> EndAsync(IDriverProcess process, bool isHung, TimeProvider time)
    {
        if (!isHung)
        {
            process.CloseInput();
            if (await HasEndedAsync(process, AfterClose, time))
            {
                return "it ended by itself when its input was closed";
            }

            process.Terminate();
            if (await HasEndedAsync(process, AfterTerminate, time))
            {
                return "it ended on SIGTERM";
            }
        }

        process.Kill();
        return await HasEndedAsync(process, AfterKill, time) ? "it was killed" : null;
    }

    private static async Task<bool> HasEndedAsync(IDriverProcess process, TimeSpan atMost, TimeProvider time)
    {
        await process.Ended.AtMostAsync(atMost, time);
        return process.Ended.IsCompleted;
    }
}
