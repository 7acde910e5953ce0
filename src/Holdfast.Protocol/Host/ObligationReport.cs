using System.Text.Json.Serialization;
using Holdfast.Core.Ids;

namespace Holdfast.Protocol.Host;

/// <summary>What is owed.</summary>
[JsonConverter(typeof(WireEnum<ObligationKind>))]
public enum ObligationKind
{
    /// <summary>Release an attachment of a volume on this host.</summary>
    ReleaseAttachment,

    /// <summary>Clear a two-primaries window (safety: goes before everything else).</summary>
    ClearTwoPrimaries,

    /// <summary>Delete a volume.</summary>
    DeleteVolume,

    /// <summary>Let I/O of a volume on this host go on, which a snapshot or a rollback held back and nobody resumed.</summary>
    ResumeIo,
}

/// <summary>State of an obligation.</summary>
[JsonConverter(typeof(WireEnum<ObligationState>))]
public enum ObligationState
{
    /// <summary>Owed; tried again until it is settled.</summary>
    Owed,

    /// <summary>The backend confirmed.</summary>
    Settled,

    /// <summary>Its pool was removed before it could be settled; nobody will try again. What is left at the backend is named.</summary>
    Orphaned,

    /// <summary>A named person wrote it off.</summary>
    Forgotten,

    /// <summary>A newer intent for the same object made it void.</summary>
    Superseded,
}

/// <summary>An obligation as the host's ledger has it. States other than Owed are final, and repeated until a report with them was accepted.</summary>
public sealed record ObligationReport
{
    /// <summary>The obligation.</summary>
    public required ObligationId Id { get; init; }

    /// <summary>What is owed.</summary>
    public required ObligationKind Kind { get; init; }

    /// <summary>State.</summary>
    public required ObligationState State { get; init; }

    /// <summary>The pool whose backend it is owed to.</summary>
    public required PoolId PoolId { get; init; }

    /// <summary>The pool's name when the obligation was written.</summary>
    public required string PoolName { get; init; }

    /// <summary>The volume.</summary>
    public required VolumeId VolumeId { get; init; }

    /// <summary>The VM that used it; null for deletions.</summary>
    public VmId? VmId { get; init; }

    /// <summary>Name of the object at the backend, so that it can be found by hand.</summary>
    public string? BackendName { get; init; }

    /// <summary>Generation of the attachment or volume that it was written for.</summary>
    public required Generation Generation { get; init; }

    /// <summary>Why it came to be, in a sentence.</summary>
    public required string Cause { get; init; }

    /// <summary>The last failure in the backend's own words; null before the first try.</summary>
    public string? LastError { get; init; }

    /// <summary>Tries so far.</summary>
    public int Tries { get; init; }

    /// <summary>When it was written, by the host's clock.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it is tried next, by the host's clock; null when final.</summary>
    public DateTimeOffset? NextTryAt { get; init; }
}
