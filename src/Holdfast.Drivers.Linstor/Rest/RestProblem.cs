using Holdfast.Protocol.Driver;

namespace Holdfast.Drivers.Linstor.Rest;

/// <summary>Why a request to LINSTOR did not work.</summary>
internal sealed record RestProblem
{
    /// <summary>The class of failure, as the driver protocol has it.</summary>
    public required DriverErrorCode Code { get; init; }

    /// <summary>A sentence that names the request and the controller.</summary>
    public required string Text { get; init; }

    /// <summary>LINSTOR's own words.</summary>
    public string? Backend { get; init; }

    /// <summary>LINSTOR's code of the entry that decided; null when LINSTOR did not answer in its own form.</summary>
    public int? Linstor { get; init; }

    /// <summary>Whether something may have changed all the same, so that the object must be read again before anything is concluded.</summary>
    public bool MayHaveEffect { get; init; }
}
