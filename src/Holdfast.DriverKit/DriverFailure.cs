using Holdfast.Protocol.Driver;

namespace Holdfast.DriverKit;

/// <summary>Makes <see cref="DriverError"/> values. The text is a sentence that names the object and the pool; <c>backend</c> carries the backend's own words.</summary>
public static class DriverFailure
{
    /// <summary>The backend was not reached; the call had no effect.</summary>
    /// <param name="text">A sentence for people.</param>
    /// <param name="backend">The backend's own words.</param>
    /// <returns>The error.</returns>
    public static DriverError Unreachable(string text, string? backend = null) => Of(DriverErrorCode.Unreachable, text, backend);

    /// <summary>The backend or the object is busy; no effect.</summary>
    /// <param name="text">A sentence for people.</param>
    /// <param name="backend">The backend's own words.</param>
    /// <returns>The error.</returns>
    public static DriverError Busy(string text, string? backend = null) => Of(DriverErrorCode.Busy, text, backend);

    /// <summary>No room; no effect.</summary>
    /// <param name="text">A sentence for people.</param>
    /// <param name="backend">The backend's own words.</param>
    /// <returns>The error.</returns>
    public static DriverError Capacity(string text, string? backend = null) => Of(DriverErrorCode.Capacity, text, backend);

    /// <summary>The backend refuses the credentials.</summary>
    /// <param name="text">A sentence for people.</param>
    /// <param name="backend">The backend's own words.</param>
    /// <returns>The error.</returns>
    public static DriverError Credentials(string text, string? backend = null) => Of(DriverErrorCode.Credentials, text, backend);

    /// <summary>The object does not exist at the backend.</summary>
    /// <param name="text">A sentence for people.</param>
    /// <param name="backend">The backend's own words.</param>
    /// <returns>The error.</returns>
    public static DriverError NotFound(string text, string? backend = null) => Of(DriverErrorCode.NotFound, text, backend);

    /// <summary>This driver or backend cannot do it.</summary>
    /// <param name="text">A sentence for people.</param>
    /// <param name="backend">The backend's own words.</param>
    /// <returns>The error.</returns>
    public static DriverError Unsupported(string text, string? backend = null) => Of(DriverErrorCode.Unsupported, text, backend);

    /// <summary>The request is wrong, or an object with our name is not ours.</summary>
    /// <param name="text">A sentence for people.</param>
    /// <param name="backend">The backend's own words.</param>
    /// <returns>The error.</returns>
    public static DriverError Invalid(string text, string? backend = null) => Of(DriverErrorCode.Invalid, text, backend);

    /// <summary>The effect is unclear.</summary>
    /// <param name="text">A sentence for people.</param>
    /// <param name="backend">The backend's own words.</param>
    /// <returns>The error.</returns>
    public static DriverError Unknown(string text, string? backend = null) => Of(DriverErrorCode.Unknown, text, backend);

    private static DriverError Of(DriverErrorCode code, string text, string? backend) => new() { Code = code, Text = text, Backend = backend };
}
