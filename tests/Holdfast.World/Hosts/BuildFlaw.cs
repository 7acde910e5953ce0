namespace Holdfast.Worlds.Hosts;

/// <summary>What is wrong with a build of a driver.</summary>
internal enum BuildFlaw
{
    None,

    /// <summary>It ends at once.</summary>
    EndsAtOnce,

    /// <summary>It starts and says nothing.</summary>
    NeverReady,

    /// <summary>It refuses settings that the one before took.</summary>
    RefusesSettings,

    /// <summary>It serves and ends after some seconds.</summary>
    EndsSoon,

    /// <summary>It serves and takes no more calls after some seconds.</summary>
    HangsSoon,
}
