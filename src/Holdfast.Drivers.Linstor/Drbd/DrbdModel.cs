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
    IReadOnlyList<DrbdDevice>? Devices,
    IReadOnlyList<DrbdConnection>? Connections)
{
    /// <summary>Whether somebody has it open for writing here.</summary>
    public bool IsPrimary => string.Equals(Role, "Primary", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether I/O is held back, for whatever reason.</summary>
    public bool IsSuspended =>
        Suspended == true || SuspendedUser == true || SuspendedNoData == true || SuspendedFencing == true || SuspendedQuorum == true;

    /// <summary>
    /// Why the data cannot be reached from this host; null when it can: up to date here, or a connected peer that is.
    /// </summary>
    public string? Objection
    {
        get
        {
            if (IsSuspended)
            {
                return "its I/O is suspended";
            }

            var device = Devices?.FirstOrDefault(static one => one.Volume is null or 0);
            if (device is null)
            {
                return "it has no device";
            }

            if (device.Quorum == false)
            {
                return "it has no quorum";
            }

            if (string.Equals(device.DiskState, "UpToDate", StringComparison.OrdinalIgnoreCase))
            {
                return null;
            }

            return (Connections ?? []).Any(static connection => connection.IsConnected && connection.HasData)
                ? null
                : $"its disk is {device.DiskState ?? "in an unknown state"} and no peer with good data is connected";
        }
    }
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
