using System.Text.Json.Serialization;

namespace Holdfast.Protocol.Driver;

/// <summary>How a driver call failed. The caller decides by this alone; texts are for people.</summary>
[JsonConverter(typeof(DriverErrorCodeConverter))]
public enum DriverErrorCode
{
    /// <summary>The backend was not reached; the call had no effect. Try again later.</summary>
    Unreachable,

    /// <summary>The backend or the object is busy; no effect. Try again later.</summary>
    Busy,

    /// <summary>No room, or not enough nodes; no effect. Trying again without a change is useless.</summary>
    Capacity,

    /// <summary>The backend refuses the credentials. No hot retry: accounts get locked.</summary>
    Credentials,

    /// <summary>The object does not exist at the backend.</summary>
    NotFound,

    /// <summary>This driver or backend cannot do it.</summary>
    Unsupported,

    /// <summary>The request is wrong, or an object with our name is not ours.</summary>
    Invalid,

    /// <summary>The effect is unclear (reply lost, garbage, time ran out under way): read again, never assume.</summary>
    Unknown,
}

/// <summary>Codes of later versions are read as <see cref="DriverErrorCode.Unknown"/>: nothing is assumed, and the backend is read again.</summary>
public sealed class DriverErrorCodeConverter() : OpenWireEnum<DriverErrorCode>(DriverErrorCode.Unknown);

/// <summary>A failed driver call.</summary>
public sealed record DriverError
{
    /// <summary>The class of failure.</summary>
    public required DriverErrorCode Code { get; init; }

    /// <summary>A sentence naming the object and the pool.</summary>
    public required string Text { get; init; }

    /// <summary>The backend's own words, where it had any.</summary>
    public string? Backend { get; init; }

    /// <summary>The HTTP status that carries an error code.</summary>
    /// <param name="code">The code.</param>
    /// <returns>The status.</returns>
    public static int StatusOf(DriverErrorCode code) => code switch
    {
        DriverErrorCode.Unreachable => 503,
        DriverErrorCode.Busy => 409,
        DriverErrorCode.Capacity => 507,
        DriverErrorCode.Credentials => 403,
        DriverErrorCode.NotFound => 404,
        DriverErrorCode.Unsupported => 501,
        DriverErrorCode.Invalid => 400,
        _ => 500,
    };
}
