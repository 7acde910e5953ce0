namespace Holdfast.Worlds.Storage;

/// <summary>What comes of a cut of an attachment.</summary>
internal enum CutMood
{
    /// <summary>The I/O fails from then on.</summary>
    Works,

    /// <summary>It cannot be done now.</summary>
    Fails,

    /// <summary>Nobody answers.</summary>
    Hangs,
}
