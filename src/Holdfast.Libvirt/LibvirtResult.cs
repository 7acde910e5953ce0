namespace Holdfast.Libvirt;

/// <summary>How a call on a lane ended.</summary>
/// <typeparam name="T">What it returns when it works.</typeparam>
public abstract record LibvirtResult<T>
{
    private LibvirtResult()
    {
    }

    /// <summary>It worked.</summary>
    /// <param name="Value">What it returned.</param>
    public sealed record Ok(T Value) : LibvirtResult<T>;

    /// <summary>libvirt said no.</summary>
    /// <param name="Error">Its error.</param>
    public sealed record Failed(LibvirtError Error) : LibvirtResult<T>;

    /// <summary>No connection could be opened; nothing was done.</summary>
    /// <param name="Error">Why.</param>
    public sealed record Unavailable(LibvirtError Error) : LibvirtResult<T>;

    /// <summary>The connection broke under the call; its effect is unknown.</summary>
    /// <param name="Error">Why.</param>
    public sealed record ConnectionLost(LibvirtError Error) : LibvirtResult<T>;

    /// <summary>The call did not return in time and still holds its thread; its effect is unknown.</summary>
    /// <param name="After">How long it was waited for.</param>
    public sealed record TimedOut(TimeSpan After) : LibvirtResult<T>;

    /// <summary>No thread of the lane became free in time, or too many calls with the same key are under way; nothing was done.</summary>
    /// <param name="Lane">The lane.</param>
    public sealed record Saturated(string Lane) : LibvirtResult<T>;
}
