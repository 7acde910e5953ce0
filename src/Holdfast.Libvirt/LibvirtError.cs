namespace Holdfast.Libvirt;

/// <summary>An error as libvirt reported it, copied on the thread of the failed call.</summary>
/// <param name="Code">What went wrong.</param>
/// <param name="Domain">Which part of libvirt says so.</param>
/// <param name="Message">libvirt's own words.</param>
public sealed record LibvirtError(LibvirtErrorCode Code, int Domain, string Message);
