namespace Holdfast.Drivers.Linstor.Drbd;

/// <summary>A resource as <c>drbdsetup status --json</c> tells it.</summary>
internal sealed record DrbdResource(
    string? Name,
    string? Role,
    bool? Suspended,
    bool? SuspendedUser,
    bool? SuspendedNoData,
    bool? SuspendedFencing,
    bool? SuspendedQuorum,
    bool? ForceIoFailures,
    IReadOnlyList<DrbdDevice>? Devices,
    IReadOnlyList<DrbdConnection>? Connections)
{
    /// <summary>Whether somebody has it open for writing here.</summary>
    public bool IsPrimary => Is(Role, "Primary");

    /// <summary>Whether I/O is held back, for whatever reason.</summary>
    public bool IsSuspended =>
        Suspended == true || SuspendedUser == true || SuspendedNoData == true || SuspendedFencing == true || SuspendedQuorum == true;

    /// <summary>Whether I/O fails instead of waiting. Stays so until the last one who has the device open closes it, also when its peers are back.</summary>
    public bool IsFailing => ForceIoFailures == true;

    /// <summary>
    /// Whether a cut has taken effect: all I/O fails, or nobody who has it open for writing is left and nothing waits. Right after a cut that DRBD carried out both are
    /// proof; without one the second only says that nobody is there.
    /// </summary>
    public bool IsCutOff => IsFailing || (!IsSuspended && !IsPrimary);

    /// <summary>Whether I/O waits and a request alone holds it back, so that resuming ends the waiting.</summary>
    public bool CanResume =>
        !IsFailing && SuspendedUser == true && SuspendedNoData != true && SuspendedFencing != true && SuspendedQuorum != true;

    /// <summary>Why I/O waits, for people; null when it goes on or fails.</summary>
    public string? Waiting
    {
        get
        {
            if (!IsSuspended || IsFailing)
            {
                return null;
            }

            List<string> reasons = [];
            Add(SuspendedUser, "it was asked to, by LINSTOR for a snapshot or a rollback or by an administrator, and nobody has resumed it");
            Add(SuspendedQuorum, "it has no quorum: too few of its nodes can be reached from here");
            Add(SuspendedNoData, "neither this host nor a connected peer has good data");
            Add(SuspendedFencing, "a peer that was lost has not been fenced yet");
            return reasons.Count == 0 ? "DRBD has suspended its I/O and does not say why" : $"DRBD has suspended its I/O, because {string.Join(", and ", reasons)}";

            void Add(bool? holds, string reason)
            {
                if (holds == true)
                {
                    reasons.Add(reason);
                }
            }
        }
    }

    /// <summary>The device of the one volume that a resource of ours has; null when it has none.</summary>
    public DrbdDevice? Device => Devices?.FirstOrDefault(static one => one.Volume is null or 0);

    /// <summary>The peer that has it open for writing, by its node's name; null when none is known to.</summary>
    public string? PrimaryPeer => (Connections ?? []).FirstOrDefault(static one => Is(one.PeerRole, "Primary")) is { } peer ? peer.Name ?? "nobody knows which" : null;

    /// <summary>
    /// Why the data cannot be reached from this host; null when it can: up to date here, or a connected peer that is.
    /// </summary>
    public string? Objection
    {
        get
        {
            if (IsFailing)
            {
                return "its I/O was cut off, and somebody still has it open";
            }

            if (IsSuspended)
            {
                return $"its I/O waits ({Waiting})";
            }

            if (Device is not { } device)
            {
                return "it has no device";
            }

            if (device.Quorum == false)
            {
                return "it has no quorum";
            }

            if (Is(device.DiskState, "UpToDate"))
            {
                return null;
            }

            return (Connections ?? []).Any(static connection => connection.IsConnected && connection.HasData)
                ? null
                : $"its disk is {device.DiskState ?? "in an unknown state"} and no peer with good data is connected";
        }
    }

    private static bool Is(string? word, string wanted) => string.Equals(word, wanted, StringComparison.OrdinalIgnoreCase);
}

/// <summary>A device of a resource.</summary>
internal sealed record DrbdDevice(int? Volume, int? Minor, string? DiskState, bool? Quorum, bool? Client)
{
    /// <summary>Whether this host holds no data.</summary>
    public bool IsDiskless => string.Equals(DiskState, "Diskless", StringComparison.OrdinalIgnoreCase);
}

/// <summary>A connection to a peer.</summary>
internal sealed record DrbdConnection(
    string? Name,
    string? ConnectionState,
    string? PeerRole,
    [property: System.Text.Json.Serialization.JsonPropertyName("peer_devices")] IReadOnlyList<DrbdPeerDevice>? PeerDevices)
{
    /// <summary>Whether it stands.</summary>
    public bool IsConnected => string.Equals(ConnectionState, "Connected", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether the peer has good data.</summary>
    public bool HasData => (PeerDevices ?? []).Any(static device =>
        device.Volume is null or 0 && string.Equals(device.PeerDiskState, "UpToDate", StringComparison.OrdinalIgnoreCase));
}

/// <summary>A peer's device.</summary>
internal sealed record DrbdPeerDevice(int? Volume, string? PeerDiskState, string? ReplicationState);
