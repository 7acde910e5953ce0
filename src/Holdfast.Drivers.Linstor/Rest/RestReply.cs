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

    /// <summary>Answered.</summary>
    /// <param name="Value">The answer.</param>
    internal sealed record Ok(T Value) : RestReply<T>;

    /// <summary>Not answered, or refused.</summary>
    /// <param name="Problem">Why.</param>
    internal sealed record Failed(RestProblem Problem) : RestReply<T>;
}
