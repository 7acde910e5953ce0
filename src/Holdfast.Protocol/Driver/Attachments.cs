using System.Text.Json.Serialization;
using Holdfast.Core.Ids;

namespace Holdfast.Protocol.Driver;

/// <summary>What a volume is attached for.</summary>
[JsonConverter(typeof(WireEnum<AttachMode>))]
public enum AttachMode
{
    /// <summary>A guest runs on it.</summary>
    Run,

    /// <summary>A copy process on this host reads or writes it.</summary>
    Copy,

    /// <summary>The target side of a live migration.</summary>
    MigrateIn,
}

/// <summary>What QEMU needs to open a disk. A closed hierarchy. The format is always stated, never probed: guests write headers too.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(Block), "block")]
[JsonDerivedType(typeof(File), "file")]
[JsonDerivedType(typeof(Network), "network")]
public abstract record DiskSource
{
    private protected DiskSource()
    {
    }

    /// <summary>A block device with raw content.</summary>
    /// <param name="Path">The device node; the driver has checked that it is a block device and can be opened.</param>
    public sealed record Block(string Path) : DiskSource;

    /// <summary>An image file.</summary>
    /// <param name="Path">The file.</param>
    /// <param name="Format"><c>qcow2</c> or <c>raw</c>.</param>
    /// <param name="Backing">The images behind it, the nearest first; null or empty when it stands alone. Nobody looks into headers: a chain that is not told here is not opened.</param>
    /// <param name="DirectIo">Whether its file system allows O_DIRECT.</param>
    public sealed record File(string Path, string Format, IReadOnlyList<BackingImage>? Backing = null, bool DirectIo = true) : DiskSource;

    /// <summary>A network disk that QEMU opens itself.</summary>
    /// <param name="Protocol">libvirt's protocol name, such as <c>rbd</c>.</param>
    /// <param name="Name">The image.</param>
    /// <param name="Hosts">Servers as <c>host:port</c>.</param>
    /// <param name="UserName">User, where the protocol has one.</param>
    /// <param name="Secret">Its secret, which goes to libvirt apart from the domain XML.</param>
    public sealed record Network(string Protocol, string Name, IReadOnlyList<string> Hosts, string? UserName = null, Secret? Secret = null) : DiskSource;
}

/// <summary>A sealed image that another one stands on.</summary>
/// <param name="Path">The file.</param>
/// <param name="Format"><c>qcow2</c> or <c>raw</c>.</param>
public sealed record BackingImage(string Path, string Format);

/// <summary>Attaches a volume on this host. Recorded by the agent before the call. Ensure semantics: the same request again answers AlreadySo.</summary>
public sealed record AttachRequest
{
    /// <summary>Generation of the volume; must be the recorded one.</summary>
    public required Generation Generation { get; init; }

    /// <summary>What for.</summary>
    public required AttachMode Mode { get; init; }

    /// <summary>Whether nothing will be written.</summary>
    public bool ReadOnly { get; init; }
}

/// <summary>Answer of attach.</summary>
public sealed record AttachmentReply
{
    /// <summary>Whether the call changed something.</summary>
    public required DriverOutcome Outcome { get; init; }

    /// <summary>What QEMU needs.</summary>
    public required DiskSource Source { get; init; }

    /// <summary>Size in bytes that a guest sees.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>Name of the object at the backend.</summary>
    public required string BackendName { get; init; }

    /// <summary>Set when the device was locally there and the control plane could not be asked.</summary>
    public DriverError? WithoutControlPlane { get; init; }
}

/// <summary>
/// Cuts a volume's I/O off on this host: all of it, under way and later, fails from now on. Only ever asked for when the machine that has it is to end and its
/// process, killed, does not: what is lost is only what nobody was told is written. Told by the host alone, no backend is asked. The volume is not handed out again
/// on this host before it was released. Cut already is <see cref="DriverOutcome.AlreadySo"/>; not attached is <see cref="DriverErrorCode.NotFound"/>; an attachment
/// with a newer generation is left alone (<see cref="DriverErrorCode.Invalid"/>); <see cref="DriverErrorCode.Unsupported"/> says what an operator can do by hand.
/// </summary>
/// <param name="Generation">The newest generation of the attachment that may be cut.</param>
public sealed record CutRequest(Generation Generation);

/// <summary>
/// Lets I/O of a volume go on that a snapshot or a rollback held back and nobody resumed. I/O that goes on already is <see cref="DriverOutcome.AlreadySo"/>; done only
/// when the host itself says that it goes on. While a snapshot of the volume is really under way: <see cref="DriverErrorCode.Busy"/>.
/// </summary>
/// <param name="Generation">The newest generation of the attachment.</param>
public sealed record ResumeRequest(Generation Generation);

/// <summary>An attachment that is really there on this host. A volume that is attached for several modes is listed once for each.</summary>
/// <param name="VolumeId">The volume.</param>
/// <param name="BackendName">Name of the object at the backend.</param>
/// <param name="Path">Local device or file.</param>
/// <param name="InUse">Whether somebody has it open; null when not known.</param>
/// <param name="Mode">What it was attached for; null when the driver has no record of an attach, but the host shows the volume open.</param>
/// <param name="Generation">
/// The newest generation it was attached with: what a release has to name at the least. Null when not known; nobody then releases it, because a release that
/// names no generation cannot be told from one that comes too late.
/// </param>
/// <param name="Waiting">Why its I/O does not go on now, for people ("I/O is suspended: no quorum"), told by the host alone; null when it goes on, or when that is not known.</param>
/// <param name="CanResume">Whether <see cref="DriverPaths.Resume"/> may end the waiting: it is held back by a request and not by lost data or peers.</param>
public sealed record AttachmentInfo(
    VolumeId VolumeId,
    string BackendName,
    string? Path = null,
    bool? InUse = null,
    AttachMode? Mode = null,
    Generation? Generation = null,
    string? Waiting = null,
    bool CanResume = false);

/// <summary>What is attached on this host.</summary>
/// <param name="Attachments">The attachments.</param>
public sealed record AttachmentList(IReadOnlyList<AttachmentInfo> Attachments);
