namespace Holdfast.Core.States;

/// <summary>What a guest boots by.</summary>
public enum MachineFirmware
{
    /// <summary>BIOS, which every host has.</summary>
    Bios,

    /// <summary>UEFI.</summary>
    Uefi,

    /// <summary>UEFI that boots only what is signed.</summary>
    SecureBoot,
}
