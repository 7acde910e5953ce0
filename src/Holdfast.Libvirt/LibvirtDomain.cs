using Holdfast.Libvirt.Native;

namespace Holdfast.Libvirt;

/// <summary>
/// One domain within the body of a lane's call. Every member is one synchronous libvirt call and throws <see cref="LibvirtException"/> when it fails. Not
/// to be kept or used after the body has returned.
/// </summary>
public sealed unsafe class LibvirtDomain : IDisposable
{
    private const uint AffectLive = 1;
    private const uint ResizeInBytes = 1;
    private const uint ShutdownByPowerButton = 1;
    private const uint UndefineManagedSave = 1;
    private const int UuidBufferLength = 37;

    private readonly DomainHandle _handle;

    internal LibvirtDomain(DomainHandle handle)
    {
        _handle = handle;
        try
        {
            Name = BorrowedName(handle.DangerousGetHandle());
            Uuid = BorrowedUuid(handle.DangerousGetHandle());
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>The name.</summary>
    public string Name { get; }

    /// <summary>The UUID.</summary>
    public Guid Uuid { get; }

    /// <summary>Whether there is a process.</summary>
    public bool IsActive() => Check(LibvirtNative.virDomainIsActive(_handle)) == 1;

    /// <summary>Whether there is a definition that outlives the process.</summary>
    public bool IsPersistent() => Check(LibvirtNative.virDomainIsPersistent(_handle)) == 1;

    /// <summary>The state and the number of its reason (see <see cref="LibvirtPausedReason"/> for a paused one). Asks the daemon's memory only.</summary>
    public (LibvirtDomainState State, int Reason) GetState()
    {
        Check(LibvirtNative.virDomainGetState(_handle, out var state, out var reason, 0));
        return ((LibvirtDomainState)state, reason);
    }

    /// <summary>
    /// The disks that fail, by target, of a domain whose disks are set to stop it. Asks its QEMU: waits for a job on the domain, and for a monitor that does not answer.
    /// </summary>
    public IReadOnlyDictionary<string, LibvirtDiskError> GetDiskErrors()
    {
        var most = Check(LibvirtNative.virDomainGetDiskErrors(_handle, null, 0, 0));
        if (most == 0)
        {
            return new Dictionary<string, LibvirtDiskError>();
        }

        var errors = new VirDomainDiskError[most];
        fixed (VirDomainDiskError* first = errors)
        {
            var count = Check(LibvirtNative.virDomainGetDiskErrors(_handle, first, (uint)most, 0));
            var found = new Dictionary<string, LibvirtDiskError>(count);
            for (var i = 0; i < count; i++)
            {
                found[LibvirtNative.TakeString(errors[i].Disk) ?? ""] = (LibvirtDiskError)errors[i].Error;
            }

            return found;
        }
    }

    /// <summary>The processor time used since the start.</summary>
    public TimeSpan GetCpuTime()
    {
        Check(LibvirtNative.virDomainGetInfo(_handle, out var info));
        return TimeSpan.FromTicks((long)(info.CpuTime / 100));
    }

    /// <summary>The definition as it is live now, or the persistent one of a domain that does not run.</summary>
    public string GetXml() => LibvirtNative.TakeString(LibvirtNative.virDomainGetXMLDesc(_handle, 0)) ?? throw new LibvirtException(LibvirtNative.CopyLastError());

    /// <summary>Starts a defined domain.</summary>
    public void Start() => Check(LibvirtNative.virDomainCreateWithFlags(_handle, 0));

    /// <summary>Presses the ACPI power button.</summary>
    public void PressPowerButton() => Check(LibvirtNative.virDomainShutdownFlags(_handle, ShutdownByPowerButton));

    /// <summary>Asks for a shutdown in whichever way the hypervisor has.</summary>
    public void Shutdown() => Check(LibvirtNative.virDomainShutdownFlags(_handle, 0));

    /// <summary>Asks the guest to restart.</summary>
    public void Reboot() => Check(LibvirtNative.virDomainReboot(_handle, 0));

    /// <summary>Presses the reset button.</summary>
    public void Reset() => Check(LibvirtNative.virDomainReset(_handle, 0));

    /// <summary>Ends the process: SIGTERM, after ten seconds SIGKILL, after five more an error.</summary>
    public void Destroy() => Check(LibvirtNative.virDomainDestroyFlags(_handle, 0));

    /// <summary>Removes the persistent definition.</summary>
    public void Undefine() => Check(LibvirtNative.virDomainUndefineFlags(_handle, UndefineManagedSave));

    /// <summary>Stops the processors of the guest.</summary>
    public void Suspend() => Check(LibvirtNative.virDomainSuspend(_handle));

    /// <summary>Lets the processors of the guest go on.</summary>
    public void Resume() => Check(LibvirtNative.virDomainResume(_handle));

    /// <summary>Has the running guest have so many virtual processors, up to what it was defined with.</summary>
    /// <param name="count">How many.</param>
    public void SetCpus(int count) => Check(LibvirtNative.virDomainSetVcpusFlags(_handle, (uint)count, AffectLive));

    /// <summary>Plugs a device into the running guest.</summary>
    /// <param name="xml">The device.</param>
    public void AttachLive(string xml) => Check(LibvirtNative.virDomainAttachDeviceFlags(_handle, xml, AffectLive));

    /// <summary>Asks the running guest to let go of a device. That it has is told by an event and by the live definition.</summary>
    /// <param name="alias">The alias of the device.</param>
    public void DetachLive(string alias) => Check(LibvirtNative.virDomainDetachDeviceAlias(_handle, alias, AffectLive));

    /// <summary>Tells the running guest the new size of a disk.</summary>
    /// <param name="target">The target, such as vda.</param>
    /// <param name="bytes">The size in bytes.</param>
    public void ResizeDisk(string target, long bytes) => Check(LibvirtNative.virDomainBlockResize(_handle, target, (ulong)bytes, ResizeInBytes));

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    /// <summary>The UUID of a domain that is only lent to us. Reads memory, asks nobody.</summary>
    internal static Guid BorrowedUuid(nint domain)
    {
        var buffer = stackalloc byte[UuidBufferLength];
        Check(LibvirtNative.virDomainGetUUIDString(domain, buffer));
        return Guid.ParseExact(new string((sbyte*)buffer), "D");
    }

    private static string BorrowedName(nint domain)
    {
        var name = LibvirtNative.virDomainGetName(domain);
        return name is null ? throw new LibvirtException(LibvirtNative.CopyLastError()) : System.Runtime.InteropServices.Marshal.PtrToStringUTF8((nint)name)!;
    }

    private static int Check(int result) => result < 0 ? throw new LibvirtException(LibvirtNative.CopyLastError()) : result;
}
