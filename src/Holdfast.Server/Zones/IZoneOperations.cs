using Holdfast.Core.Ids;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Zones;

/// <summary>What a zone is to be, or what of it is to change; null leaves a field.</summary>
internal sealed record ZoneChange
{
    public string? Name { get; init; }

    public string? AllocationState { get; init; }

    public string? Dns1 { get; init; }

    public string? Dns2 { get; init; }

    public string? Ip6Dns1 { get; init; }

    public string? Ip6Dns2 { get; init; }

    public string? InternalDns1 { get; init; }

    public string? InternalDns2 { get; init; }

    public string? GuestCidr { get; init; }

    /// <summary>Empty: none.</summary>
    public string? NetworkDomain { get; init; }

    /// <summary>Whether storage pools of one host alone may be in it.</summary>
    public bool? LocalStorage { get; init; }
}

/// <summary>Zones. Root administrators only; the API has checked that.</summary>
internal interface IZoneOperations
{
    /// <summary>
    /// createZone, with the network that VMs are on which name none. Disabled unless it is asked for otherwise, as in CloudStack, and without local storage. 431 a name that a
    /// zone has, addresses that are none, another network type than Advanced.
    /// </summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="networkType">Only Advanced.</param>
    /// <param name="zone">What it is to be.</param>
    /// <param name="cancellationToken">The request ended.</param>
    Task<Outcome<ZoneId>> CreateAsync(Caller caller, string networkType, ZoneChange zone, CancellationToken cancellationToken);

    /// <summary>updateZone. 431 unknown id, a name that a zone has, addresses that are none; 530 without local storage while there is some, naming it.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="id">Which.</param>
    /// <param name="change">What changes.</param>
    /// <param name="cancellationToken">The request ended.</param>
    Task<Outcome<ZoneId>> UpdateAsync(Caller caller, ZoneId id, ZoneChange change, CancellationToken cancellationToken);

    /// <summary>deleteZone. 431 unknown id; 530 while a pod, storage pool, VM, volume, template or network that somebody made is in it, naming them.</summary>
    Task<Outcome<Success>> DeleteAsync(Caller caller, ZoneId id, CancellationToken cancellationToken);
}
