using System.Globalization;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Machines;

/// <summary>What details of a VM mean. Those that CloudStack reads as orders are carried out or refused; all others are the caller's notes.</summary>
internal static class GuestDetails
{
    private const string RootDiskSizeDetail = "rootdisksize";

    // CloudStack's names of details that change the guest (VmDetailConstants).
    private static readonly HashSet<string> Orders = new(StringComparer.OrdinalIgnoreCase)
    {
        "cpuOvercommitRatio", "memoryOvercommitRatio", "rootDiskController", "dataDiskController", "nicAdapter", "nic.multiqueue.number",
        "nic.packed.virtqueues.enabled", "iothreads", "io.policy", "keyboard", "video.hardware", "video.ram", "nestedVirtualizationFlag", "UEFI", "BIOS", "boot.mode",
        "virtual.tpm.enabled", "virtual.tpm.model", "virtual.tpm.version", "guest.cpu.mode", "guest.cpu.model", "kvm.guest.os.machine.type", "kvm.skip.force.disk.controller",
        "SSH.PublicKey", "password", "Encrypted.Password", "MaxIops", "MinIops", "extraconfig",
    };

    /// <summary>Checks that no detail asks for what would not be done.</summary>
    /// <returns>Why not.</returns>
    public static ApiError? Check(IReadOnlyDictionary<string, string> details) => details.Keys.Select(Order).FirstOrDefault(fault => fault is not null)?.ToError();

    /// <summary>Why a detail is not the caller's note of a VM that is there; null: it is.</summary>
    /// <param name="key">Its name.</param>
    public static ApiFault? WhyNotNote(string key) =>
        IsRootDiskSize(key) ? Faults.Invalid($"Detail {key} is for new VMs; resizeVolume changes the size of a root disk")
        : GivenSize.IsDetail(key) ? Faults.Invalid($"Detail {key} is the size of the VM: scaleVirtualMachine and changeServiceForVirtualMachine change it")
        : Order(key);

    private static ApiFault? Order(string key) => Orders.Contains(key) || key.StartsWith("extraconfig", StringComparison.OrdinalIgnoreCase)
        ? Faults.Invalid($"Detail {key} of a VM is not supported: guests are made from service offering and template alone. Nothing was done")
        : null;

    /// <summary>Whether a detail is the size of the root disk.</summary>
    public static bool IsRootDiskSize(string key) => key.Equals(RootDiskSizeDetail, StringComparison.OrdinalIgnoreCase);

    /// <summary>Takes the size of the VM out of its details: it is kept and shown once, as what the VM has.</summary>
    /// <param name="details">The details.</param>
    /// <returns>The size and the other details, or why not.</returns>
    public static (GivenSize Size, IReadOnlyDictionary<string, string> Others, ApiError? Error) Size(IReadOnlyDictionary<string, string> details)
    {
        var values = new Dictionary<string, int?>();
        foreach (var (detail, _) in GivenSize.None.Parts)
        {
            if (!details.TryGetValue(detail, out var text))
            {
                values[detail] = null;
            }
            else if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value))
            {
                values[detail] = value;
            }
            else
            {
                return (GivenSize.None, details, ApiError.InvalidParameter($"Detail {detail} must be a whole number, not {text}"));
            }
        }

        return (
            new GivenSize(values[GivenSize.CpusDetail], values[GivenSize.SpeedDetail], values[GivenSize.MemoryDetail]),
            new Dictionary<string, string>(details.Where(d => !GivenSize.IsDetail(d.Key)), StringComparer.OrdinalIgnoreCase),
            null);
    }

    /// <summary>The size of the root disk, which may be sent in two ways.</summary>
    /// <param name="parameter">As the parameter of that name.</param>
    /// <param name="details">The details.</param>
    /// <returns>GiB; null when neither was sent.</returns>
    public static (long? Gib, ApiError? Error) RootDiskSize(long? parameter, IReadOnlyDictionary<string, string> details)
    {
        if (!details.TryGetValue(RootDiskSizeDetail, out var text))
        {
            return (parameter, null);
        }

        if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var detail))
        {
            return (null, ApiError.InvalidParameter($"Detail {RootDiskSizeDetail} must be a whole number of GiB, not {text}"));
        }

        return parameter is { } other && other != detail
            ? (null, ApiError.InvalidParameter($"The size of the root disk was sent twice: parameter {RootDiskSizeDetail} is {other}, detail {RootDiskSizeDetail} is {detail}"))
            : (detail, null);
    }
}
