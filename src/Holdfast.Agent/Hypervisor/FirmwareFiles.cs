namespace Holdfast.Agent.Hypervisor;

/// <summary>A UEFI firmware of this host: what its package installed.</summary>
/// <param name="Code">The firmware.</param>
/// <param name="Variables">The variables that a guest begins with.</param>
internal sealed record FirmwareFiles(string Code, string Variables)
{
    // Debian's and Ubuntu's ovmf, the second ones of releases before; then Fedora's.
    private static readonly FirmwareFiles[] Plain =
    [
        new("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
        new("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"),
        new("/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"),
    ];

    // With the keys that distributions are signed for.
    private static readonly FirmwareFiles[] Secure =
    [
        new("/usr/share/OVMF/OVMF_CODE_4M.secboot.fd", "/usr/share/OVMF/OVMF_VARS_4M.ms.fd"),
        new("/usr/share/OVMF/OVMF_CODE.secboot.fd", "/usr/share/OVMF/OVMF_VARS.ms.fd"),
        new("/usr/share/edk2/ovmf/OVMF_CODE.secboot.fd", "/usr/share/edk2/ovmf/OVMF_VARS.secboot.fd"),
    ];

    /// <summary>The one that is here; null: none is.</summary>
    /// <param name="secure">Whether it boots only what is signed.</param>
    /// <param name="exists">Whether a file is there.</param>
    public static FirmwareFiles? Find(bool secure, Func<string, bool> exists) => Array.Find(secure ? Secure : Plain, files => exists(files.Code) && exists(files.Variables));
}
