namespace Holdfast.LinstorSimulation;

/// <summary>What can be made to go wrong.</summary>
public enum FaultKind
{
    /// <summary>Nobody listens: connects are refused, open connections are reset. For the whole simulator, not for one endpoint.</summary>
    Refuse,

    /// <summary>Packets vanish: connects get no answer at all, open connections fall silent, and go on when the fault is lifted. For the whole simulator.</summary>
    Blackhole,

    /// <summary>The request is taken and never answered, not even when the fault is lifted. Nothing is applied.</summary>
    Hang,

    /// <summary>The request is carried out; the answer's headers come after <see cref="FaultRule.Delay"/> (30 s when not given).</summary>
    SlowHeaders,

    /// <summary>The answer's body crawls: one byte per <see cref="FaultRule.Delay"/> (1 s when not given).</summary>
    SlowBody,

    /// <summary>The answer takes <see cref="FaultRule.Delay"/> longer (1 s when not given), and is then complete.</summary>
    Latency,

    /// <summary>The connection ends in the middle of the body, whose announced length is that of the whole.</summary>
    TruncatedBody,

    /// <summary>A complete and well-formed HTTP answer whose JSON ends in the middle.</summary>
    TruncatedJson,

    /// <summary>Bytes that are not HTTP.</summary>
    Garbage,

    /// <summary>The connection is reset after the request was read.</summary>
    Reset,

    /// <summary>HTTP 500 with an HTML page, as from something that is not LINSTOR.</summary>
    ServerErrorPage,

    /// <summary>HTTP 503 with a proxy's HTML page.</summary>
    ProxyUnavailable,

    /// <summary>HTTP 401.</summary>
    Unauthorized,

    /// <summary>HTTP 403.</summary>
    Forbidden,

    /// <summary>HTTP 302 to itself.</summary>
    RedirectLoop,

    /// <summary>The request is carried out, then the connection is reset instead of an answer.</summary>
    ReplyLost,

    /// <summary>An answer of LINSTOR's form with the error code in <see cref="FaultRule.Code"/> (998 when not given); nothing is applied.</summary>
    ApiError,

    /// <summary>Mutating calls are carried out and answered with success, plus warning 1002 "not connected".</summary>
    WarnNotConnected,

    /// <summary>A rollback kills the controller when its safety snapshot is taken. Matched against the rollback's request.</summary>
    DieAfterSafetySnapshot,

    /// <summary>A rollback kills the controller when all resources are deleted and the volumes have their sizes still.</summary>
    DieAfterResourcesDeleted,

    /// <summary>A rollback kills the controller when the volumes have the snapshot's sizes again and no resource is there.</summary>
    DieBeforeRestore,

    /// <summary>A rollback kills the controller when the snapshot is restored and the safety snapshot is still there.</summary>
    DieBeforeSafetySnapshotDeleted,

    /// <summary>Clones begin and stay in CLONING.</summary>
    CloneNeverFinishes,

    /// <summary>Snapshots suspend the I/O of all replicas, and are never taken.</summary>
    SnapshotNeverTaken,

    /// <summary>Device paths are left out of all answers.</summary>
    DevicePathNull,

    /// <summary>The state of resources and volumes is left out of all answers.</summary>
    StateOmitted,
}
