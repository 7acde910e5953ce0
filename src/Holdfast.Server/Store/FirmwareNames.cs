using Holdfast.Core.States;

namespace Holdfast.Server.Store;

/// <summary>What hosts call what guests can boot by. None of the names is a part of another.</summary>
internal static class FirmwareNames
{
    /// <summary>The name of one.</summary>
    public static string Of(MachineFirmware firmware) => firmware == MachineFirmware.SecureBoot ? "secure-boot" : firmware == MachineFirmware.Uefi ? "uefi" : "bios";

    /// <summary>Those that a host's row names; a name that this version does not know is passed over.</summary>
    public static IReadOnlyList<MachineFirmware> Read(string text) => [.. Enum.GetValues<MachineFirmware>().Where(f => Csv.Split(text).Contains(Of(f), StringComparer.Ordinal))];
}
