namespace Holdfast.Protocol.Images;

/// <summary>From where an address can be reached, as far as fetching images is concerned.</summary>
public enum AddressReach
{
    /// <summary>From anywhere.</summary>
    Public,

    /// <summary>Within somebody's own network: RFC 1918, carrier-grade NAT, unique local.</summary>
    Private,

    /// <summary>Never an image server: loopback, link-local, metadata services, multicast, unspecified, reserved.</summary>
    Forbidden,
}
