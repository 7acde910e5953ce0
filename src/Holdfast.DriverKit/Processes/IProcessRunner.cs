namespace Holdfast.DriverKit;

/// <summary>Runs other programs with argument lists, bounded output and a deadline. The only place a driver starts processes. Safe to use from any thread.</summary>
public interface IProcessRunner
{
    /// <summary>
    /// Runs a program to its end. It gets no standard input, an environment of only <c>PATH</c> and <c>LC_ALL=C</c>, and is killed (SIGKILL) when
    /// <paramref name="cancellationToken"/> is cancelled. Cancellation is a value (<see cref="ProcessOutcome.Killed"/>), never an exception.
    /// </summary>
    /// <param name="program">Name or path.</param>
    /// <param name="arguments">Its arguments; never secrets.</param>
    /// <param name="cancellationToken">Ends the program.</param>
    /// <returns>How it ended.</returns>
    Task<ProcessOutcome> RunAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancellationToken);
}
