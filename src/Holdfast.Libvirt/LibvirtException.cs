namespace Holdfast.Libvirt;

/// <summary>
/// A failed libvirt call. Thrown only inside the body of a lane's call, on the lane's own thread; the lane turns it into a
/// <see cref="LibvirtResult{T}"/>, so that it never crosses an await.
/// </summary>
public sealed class LibvirtException : Exception
{
    /// <summary>Wraps an error.</summary>
    /// <param name="error">The error, copied already.</param>
    public LibvirtException(LibvirtError error)
        : base(error.Message) => Error = error;

    /// <summary>The error.</summary>
    public LibvirtError Error { get; }
}
