using System.Runtime.InteropServices;

namespace Holdfast.Agent.Hypervisor;

/// <summary>
/// Finds out whether KVM really works. The device alone proves nothing: there are machines where it exists, answers and even makes virtual processors,
/// and then fails in the middle of the guest's BIOS, because the processor offers no virtualisation.
/// </summary>
internal static partial class KvmProbe
{
    private const string Device = "/dev/kvm";
    private const int ReadWriteCloseOnExec = 0x80002;
    private const ulong GetApiVersion = 0xAE00;
    private const ulong CreateMachine = 0xAE01;
    private const int StableApiVersion = 12;

    /// <summary>Decides from what was found. Pure.</summary>
    /// <param name="cpuInfo">The kernel's description of the processors.</param>
    /// <param name="tryDevice">Tries the device; null when it works, else what went wrong.</param>
    /// <param name="libvirtOffersKvm">Whether libvirt lists KVM among what it can start.</param>
    public static (Accelerator Accelerator, string Reason) Decide(string cpuInfo, Func<string?> tryDevice, bool libvirtOffersKvm)
    {
        var flags = cpuInfo.Split('\n').FirstOrDefault(line => line.StartsWith("flags", StringComparison.Ordinal))?.Split(' ', '\t') ?? [];
        var feature = flags.FirstOrDefault(flag => flag is "vmx" or "svm");
        if (feature is null)
        {
            return (Accelerator.Tcg, $"the processor announces neither vmx nor svm{(tryDevice() is null ? $", although {Device} answers" : "")}");
        }

        if (tryDevice() is { } failure)
        {
            return (Accelerator.Tcg, failure);
        }

        return libvirtOffersKvm
            ? (Accelerator.Kvm, $"the processor announces {feature}, {Device} makes machines, libvirt offers it")
            : (Accelerator.Tcg, $"the processor announces {feature} and {Device} makes machines, but libvirt does not offer KVM");
    }

    /// <summary>Tries the device as far as making a machine.</summary>
    /// <returns>Null when that worked, else what went wrong.</returns>
    public static string? TryDevice()
    {
        var device = Open(Device, ReadWriteCloseOnExec);
        if (device < 0)
        {
            return $"{Device} cannot be opened: {Marshal.GetLastPInvokeErrorMessage()}";
        }

        try
        {
            var version = Control(device, GetApiVersion, 0);
            if (version != StableApiVersion)
            {
                return $"{Device} speaks version {version} instead of {StableApiVersion}";
            }

            var machine = Control(device, CreateMachine, 0);
            if (machine < 0)
            {
                return $"{Device} makes no machine: {Marshal.GetLastPInvokeErrorMessage()}";
            }

            _ = Close(machine);
            return null;
        }
        finally
        {
            _ = Close(device);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int Control(int descriptor, ulong request, nint argument);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
