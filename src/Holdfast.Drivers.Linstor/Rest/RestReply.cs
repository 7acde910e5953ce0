using System.Diagnostics.CodeAnalysis;

namespace Holdfast.Drivers.Linstor.Rest;

/// <summary>How a request to LINSTOR ended. A closed hierarchy; both convert implicitly from their content.</summary>
/// <typeparam name="T">What is answered.</typeparam>
internal abstract record RestReply<T>
{
    private RestReply()
    {
    }

    public static implicit operator RestReply<T>(T value) => new Ok(value);

    public static implicit operator RestReply<T>(RestProblem problem) => new Failed(problem);

    /// <summary>Takes the reply apart.</summary>
    /// <param name="value">The answer, when there is one.</param>
    /// <param name="problem">Why there is none.</param>
    /// <returns>Whether there is an answer.</returns>
    public bool Has([MaybeNullWhen(false)] out T value, [NotNullWhen(false)] out RestProblem? problem)
    {
        switch (this)
        {
            case Ok ok:
                value = ok.Value;
                problem = null;
                return true;
            case Failed failed:
                value = default;
                problem = failed.Problem;
                return false;
            default:
                throw new InvalidOperationException("The hierarchy is closed.");
        }
    }

    /// <summary>Answered.</summary>
    /// <param name="Value">The answer.</param>
    internal sealed record Ok(T Value) : RestReply<T>;

    /// <summary>Not answered, or refused.</summary>
    /// <param name="Problem">Why.</param>
    internal sealed record Failed(RestProblem Problem) : RestReply<T>;
}
