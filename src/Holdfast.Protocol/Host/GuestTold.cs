using Holdfast.Core.Ids;

namespace Holdfast.Protocol.Host;

/// <summary>
/// What a guest is told at its start. A host asks for it (<see cref="AgentGateway.GuestPath"/>) when it starts the guest: it may be a mebibyte, and has a password, so that it is
/// neither in the machine's item, which is sent again and again and kept, nor in any ledger.
/// </summary>
public sealed record GuestTold
{
    /// <summary>The VM.</summary>
    public required VmId VmId { get; init; }

    /// <summary>How often it was given something new, as <see cref="MachineSpec.Told"/>.</summary>
    public required long Told { get; init; }

    /// <summary>Its host name.</summary>
    public required string HostName { get; init; }

    /// <summary>The libvirt domain's name, which CloudStack's tools in guests know as instance id.</summary>
    public required string InstanceName { get; init; }

    /// <summary>The name of its zone.</summary>
    public required string ZoneName { get; init; }

    /// <summary>The id of its zone.</summary>
    public required ZoneId ZoneId { get; init; }

    /// <summary>The name of its service offering.</summary>
    public required string OfferingName { get; init; }

    /// <summary>Public SSH keys by the names of their pairs.</summary>
    public IReadOnlyDictionary<string, string> PublicKeys { get => field ?? new Dictionary<string, string>(); init; }

    /// <summary>User data in Base64; null: none.</summary>
    public string? UserData { get; init; }

    /// <summary>Values of variables of the user data.</summary>
    public IReadOnlyDictionary<string, string> Variables { get => field ?? new Dictionary<string, string>(); init; }

    /// <summary>The password; null: none, or a guest has started with it already.</summary>
    public Secret? Password { get; init; }
}
