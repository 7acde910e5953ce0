namespace Holdfast.Drivers.Linstor.Rest;

/// <summary>One request to a controller.</summary>
/// <param name="Name">The driver's own name for it, for the call log and for texts.</param>
/// <param name="Method">HTTP method.</param>
/// <param name="Path">Path and query below the controller's root, escaped, without a leading slash.</param>
/// <param name="Body">JSON, or null.</param>
internal sealed record RestRequest(string Name, HttpMethod Method, string Path, byte[]? Body = null)
{
    /// <summary>How long a read may take.</summary>
    public static readonly TimeSpan ReadBudget = TimeSpan.FromSeconds(10);

    /// <summary>How long a change may take; LINSTOR itself may hold one for a minute or two.</summary>
    public static readonly TimeSpan ChangeBudget = TimeSpan.FromSeconds(100);

    /// <summary>Largest answer that is read for one object.</summary>
    public const int SmallAnswer = 4 * 1024 * 1024;

    /// <summary>Largest answer that is read for a list.</summary>
    public const int LargeAnswer = 32 * 1024 * 1024;

    /// <summary>Whether the request can change something. A POST that only asks says so.</summary>
    public bool Changes { get; init; } = Method != HttpMethod.Get;

    /// <summary>Whether sending it twice is the same as sending it once.</summary>
    public bool Repeatable => !Changes || Method != HttpMethod.Post;

    /// <summary>Whether the token may go with it. LINSTOR answers its health without one.</summary>
    public bool Authorized { get; init; } = true;

    /// <summary>Bound of the whole exchange.</summary>
    public TimeSpan Budget { get; init; } = Method == HttpMethod.Get ? ReadBudget : ChangeBudget;

    /// <summary>Largest answer that is read.</summary>
    public int MaxAnswer { get; init; } = SmallAnswer;
}
