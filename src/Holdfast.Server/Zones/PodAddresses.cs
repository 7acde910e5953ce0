using System.Net;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Zones;

/// <summary>The addresses of a pod, as its operator tells them: all of them or none.</summary>
/// <param name="Gateway">The gateway of its network.</param>
/// <param name="Netmask">The mask of its network.</param>
/// <param name="Start">The first address.</param>
/// <param name="End">The last address.</param>
internal sealed record PodAddresses(string? Gateway, string? Netmask, string? Start, string? End)
{
    private static readonly PodAddresses None = new(null, null, null, null);

    /// <summary>Checks what was told, and adds the last address of the network where none was.</summary>
    /// <returns>The addresses, or what is wrong with them.</returns>
    public (PodAddresses? Addresses, ApiFault? Fault) Read()
    {
        if (this == None)
        {
            return (this, null);
        }

        if (Gateway is null || Netmask is null || Start is null)
        {
            return (null, Faults.Invalid("Parameters gateway, netmask and startip go together: a pod has all of them, or none"));
        }

        foreach (var (name, text) in new[] { ("gateway", Gateway), ("netmask", Netmask), ("startip", Start), ("endip", End) })
        {
            if (NetworkText.Ipv4Fault(name, text) is { } fault)
            {
                return (null, fault);
            }
        }

        var mask = Number(Netmask);
        var hosts = ~mask;
        if ((hosts & (hosts + 1)) != 0 || hosts < 3)
        {
            return (null, Faults.Invalid($"Parameter netmask is not the mask of a network of at least four addresses: {Netmask}"));
        }

        var (gateway, start) = (Number(Gateway), Number(Start));
        var network = gateway & mask;
        var end = End is null ? (network | hosts) - 1 : Number(End);
        return (start & mask) != network || (end & mask) != network ? (null, Faults.Invalid($"Parameters startip and endip are not in the network of gateway {Gateway} and netmask {Netmask}"))
            : start > end ? (null, Faults.Invalid($"Parameter startip ({Start}) is after endip ({NetworkText.AddressOf(end)})"))
            : gateway >= start && gateway <= end ? (null, Faults.Invalid($"Gateway {Gateway} is one of the addresses from {Start} to {NetworkText.AddressOf(end)}"))
            : (this with { End = NetworkText.AddressOf(end).ToString() }, null);
    }

    /// <summary>The network in CIDR form; null: no addresses were told.</summary>
    public string? Cidr() => this is { Gateway: { } gateway, Netmask: { } netmask }
        ? $"{NetworkText.AddressOf(Number(gateway) & Number(netmask))}/{System.Numerics.BitOperations.PopCount(Number(netmask))}"
        : null;

    private static uint Number(string text) => NetworkText.NumberOf(IPAddress.Parse(text));
}
