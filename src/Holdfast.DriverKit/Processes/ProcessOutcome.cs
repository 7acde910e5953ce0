namespace Holdfast.DriverKit;

/// <summary>How a program that a driver ran has ended. A closed hierarchy.</summary>
public abstract record ProcessOutcome
{
    private protected ProcessOutcome()
    {
    }

    /// <summary>It ran and ended by itself.</summary>
    /// <param name="ExitCode">Its exit code (128 + signal when it was killed by somebody else).</param>
    /// <param name="Output">Standard output; what is beyond 1 MiB is dropped.</param>
    /// <param name="Error">Standard error; what is beyond 64 KiB is dropped.</param>
    public sealed record Exited(int ExitCode, string Output, string Error) : ProcessOutcome;

    /// <summary>It did not end in time and was killed; its effect is unclear.</summary>
    /// <param name="Gone">Whether it is gone; false when it could not be killed (uninterruptible sleep).</param>
    public sealed record Killed(bool Gone) : ProcessOutcome;

    /// <summary>It could not be started; no effect.</summary>
    /// <param name="Reason">Why.</param>
    public sealed record NotStarted(string Reason) : ProcessOutcome;
}
