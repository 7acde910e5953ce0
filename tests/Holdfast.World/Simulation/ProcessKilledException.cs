namespace Holdfast.Worlds.Simulation;

/// <summary>Thrown where the world kills the process that is running now: nothing after this point happens.</summary>
internal sealed class ProcessKilledException : OperationCanceledException
{
    public ProcessKilledException(string point)
        : base($"killed at {point}")
    {
    }
}
