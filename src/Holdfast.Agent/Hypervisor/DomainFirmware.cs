namespace Holdfast.Agent.Hypervisor;

/// <summary>The UEFI firmware that a guest boots by.</summary>
/// <param name="Files">The host's files.</param>
/// <param name="VariablesPath">The guest's own variables; libvirt makes the file when it is not there.</param>
/// <param name="IsSecure">Whether it boots only what is signed.</param>
internal sealed record DomainFirmware(FirmwareFiles Files, string VariablesPath, bool IsSecure);
