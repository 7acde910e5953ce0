using Holdfast.Core.Ids;

namespace Holdfast.Protocol.Driver;

/// <summary>
/// Version 1 of the driver protocol: HTTP/1.1 and JSON on a Unix socket. A driver serves one binding. Success is HTTP 200 with the value; every failure
/// is a <see cref="DriverError"/> with the HTTP status of <see cref="DriverError.StatusOf"/>. All calls are idempotent.
/// </summary>
public static class DriverPaths
{
    /// <summary>Version of this protocol.</summary>
    public const int ProtocolVersion = 1;

    /// <summary>Request header: milliseconds the caller will wait. The driver ends the call within it, with <see cref="DriverErrorCode.Unreachable"/> or <see cref="DriverErrorCode.Unknown"/>.</summary>
    public const string DeadlineHeader = "Holdfast-Deadline-Ms";

    /// <summary>Request header: id for the driver's log, so that a call can be followed.</summary>
    public const string CallIdHeader = "Holdfast-Call-Id";

    /// <summary>GET: <see cref="DriverInfo"/>. Never touches the backend.</summary>
    public const string Info = "/v1/info";

    /// <summary>GET: <see cref="PoolStatus"/> from the driver's own cache; never waits for the backend.</summary>
    public const string Status = "/v1/status";

    /// <summary>POST: <see cref="PoolStatus"/> after asking the backend now (bounded by the deadline).</summary>
    public const string Probe = "/v1/probe";

    /// <summary>GET: <see cref="CallLog"/>: what this driver process was asked and what it asked its backend, counted.</summary>
    public const string Calls = "/v1/calls";

    /// <summary>GET: list of all our volumes that the backend has, as <see cref="VolumeList"/>.</summary>
    public const string Volumes = "/v1/volumes";

    /// <summary>GET: what is really attached on this host, as <see cref="AttachmentList"/>; answered from the host (kernel, files) alone where possible.</summary>
    public const string Attachments = "/v1/attachments";

    /// <summary>PUT <see cref="EnsureVolumeRequest"/>: <see cref="VolumeReply"/>. GET: <see cref="VolumeReply"/>. DELETE with query <c>generation</c>: <see cref="DriverAck"/>.</summary>
    /// <param name="volume">The volume.</param>
    /// <returns>The path.</returns>
    public static string Volume(VolumeId volume) => $"/v1/volumes/{volume}";

    /// <summary>POST <see cref="ResizeVolumeRequest"/>: <see cref="VolumeReply"/>.</summary>
    /// <param name="volume">The volume.</param>
    /// <returns>The path.</returns>
    public static string Resize(VolumeId volume) => $"/v1/volumes/{volume}/resize";

    /// <summary>POST <see cref="SealVolumeRequest"/>: <see cref="VolumeReply"/>. A sealed volume is read-only for ever and may be a clone's source.</summary>
    /// <param name="volume">The volume.</param>
    /// <returns>The path.</returns>
    public static string Seal(VolumeId volume) => $"/v1/volumes/{volume}/seal";

    /// <summary>PUT <see cref="EnsureSnapshotRequest"/>: <see cref="DriverAck"/>. DELETE: <see cref="DriverAck"/>.</summary>
    /// <param name="volume">The volume.</param>
    /// <param name="snapshot">The snapshot.</param>
    /// <returns>The path.</returns>
    public static string Snapshot(VolumeId volume, SnapshotId snapshot) => $"/v1/volumes/{volume}/snapshots/{snapshot}";

    /// <summary>POST <see cref="RevertRequest"/>: <see cref="DriverAck"/>.</summary>
    /// <param name="volume">The volume.</param>
    /// <param name="snapshot">The snapshot.</param>
    /// <returns>The path.</returns>
    public static string Revert(VolumeId volume, SnapshotId snapshot) => $"/v1/volumes/{volume}/snapshots/{snapshot}/revert";

    /// <summary>PUT <see cref="AttachRequest"/>: <see cref="AttachmentReply"/>. DELETE with queries <c>mode</c> and <c>generation</c>: <see cref="DriverAck"/>.</summary>
    /// <param name="volume">The volume.</param>
    /// <returns>The path.</returns>
    public static string Attachment(VolumeId volume) => $"/v1/attachments/{volume}";

    /// <summary>POST <see cref="CutRequest"/>: <see cref="DriverAck"/>. Answered from the host alone, also while the backend hangs.</summary>
    /// <param name="volume">The volume.</param>
    /// <returns>The path.</returns>
    public static string Cut(VolumeId volume) => $"/v1/attachments/{volume}/cut";

    /// <summary>POST <see cref="ResumeRequest"/>: <see cref="DriverAck"/>.</summary>
    /// <param name="volume">The volume.</param>
    /// <returns>The path.</returns>
    public static string Resume(VolumeId volume) => $"/v1/attachments/{volume}/resume";
}
