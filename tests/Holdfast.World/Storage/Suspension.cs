namespace Holdfast.Worlds.Storage;

/// <summary>I/O of a device on a host does not go on.</summary>
/// <param name="Text">Why, in the kernel's words.</param>
/// <param name="CanResume">Whether it is held back by a request, so that a request lets it go on.</param>
internal sealed record Suspension(string Text, bool CanResume)
{
    /// <summary>The replicas that are left are too few.</summary>
    public static readonly Suspension NoQuorum = new("I/O is suspended: no quorum", CanResume: false);

    /// <summary>A snapshot held it back, and whoever asked for it is gone.</summary>
    public static readonly Suspension ForSnapshot = new("I/O is suspended: held back for a snapshot", CanResume: true);
}
