using Holdfast.Core.States;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Machines;

/// <summary>What a new VM boots by, in CloudStack's words.</summary>
internal static class BootParameters
{
    private static readonly TextParameter Type = Text("boottype", "what the guest boots by: BIOS, also when it is not sent, or UEFI, on hosts that have it");
    private static readonly TextParameter Mode = Text("bootmode", "with UEFI: LEGACY, or SECURE for what is signed only; with BIOS: LEGACY");

    /// <summary>The parameters.</summary>
    public static IReadOnlyList<ApiParameter> All { get; } = [Type, Mode];

    /// <summary>Reads them.</summary>
    public static (MachineFirmware Firmware, ApiError? Error) Read(CommandCall call) => (call.Get(Type)?.ToUpperInvariant(), call.Get(Mode)?.ToUpperInvariant()) switch
    {
        (null or "BIOS", null or "LEGACY") => (MachineFirmware.Bios, null),
        ("UEFI", "LEGACY") => (MachineFirmware.Uefi, null),
        ("UEFI", "SECURE") => (MachineFirmware.SecureBoot, null),
        ("UEFI", null) => (default, ApiError.InvalidParameter("bootmode must be specified for the selected boot type UEFI. Valid values are: LEGACY, SECURE")),
        ("UEFI", var mode) => (default, ApiError.InvalidParameter($"Invalid bootmode {mode} for boot type UEFI. Valid values are: LEGACY, SECURE")),
        (null or "BIOS", var mode) => (default, ApiError.InvalidParameter($"Invalid bootmode {mode} for boot type BIOS. Valid value is: LEGACY")),
        (var type, _) => (default, ApiError.InvalidParameter($"Invalid boottype {type}. Valid values are: BIOS, UEFI")),
    };
}
