namespace Holdfast.Agent.Hypervisor;

/// <summary>What a guest runs on.</summary>
internal enum Accelerator
{
    /// <summary>Emulation in software.</summary>
    Tcg,

    /// <summary>The kernel's virtualisation. Only where it was tried and works.</summary>
    Kvm,
}
