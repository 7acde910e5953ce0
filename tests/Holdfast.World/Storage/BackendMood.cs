namespace Holdfast.Worlds.Storage;

/// <summary>How a backend behaves. The names of facts about storage faults: F1 refused ... F9 no space.</summary>
internal enum BackendMood
{
    /// <summary>As it should.</summary>
    Well,

    /// <summary>F1: connection refused.</summary>
    Refuses,

    /// <summary>F2: packets dropped.</summary>
    BlackHole,

    /// <summary>F2: accepts and never answers.</summary>
    Silent,

    /// <summary>F3: a hundred times as slow.</summary>
    Crawls,

    /// <summary>F4: five seconds up, five seconds down.</summary>
    Flaps,

    /// <summary>F5: credentials were revoked.</summary>
    Credentials,

    /// <summary>F6: answers that are none.</summary>
    Garbage,

    /// <summary>Answers every request with an error of its own.</summary>
    Errors,

    /// <summary>F7: says done and does nothing.</summary>
    Lies,

    /// <summary>F8: does it, and the answer is lost.</summary>
    LosesAnswers,

    /// <summary>F9: no space left.</summary>
    Full,
}
