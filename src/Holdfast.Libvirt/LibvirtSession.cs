using System.Runtime.InteropServices;
using Holdfast.Libvirt.Native;

namespace Holdfast.Libvirt;

/// <summary>
/// A connection within the body of a lane's call. Every member is one or a few synchronous libvirt calls and throws <see cref="LibvirtException"/> when
/// one fails. Not to be kept or used after the body has returned.
/// </summary>
public sealed unsafe class LibvirtSession
{
    private const uint Validate = 16;
    private const uint DefineValidate = 1;
    private const uint ActiveNetworks = 2;
    private const int KeepAliveSeconds = 5;
    private const uint KeepAliveCount = 3;

    private LibvirtSession(ConnectHandle handle) => Handle = handle;

    internal ConnectHandle Handle { get; }

    /// <summary>Looks up a domain.</summary>
    /// <param name="uuid">Its UUID.</param>
    /// <returns>The domain, or null when there is none.</returns>
    public LibvirtDomain? FindDomain(Guid uuid) => Find(LibvirtNative.virDomainLookupByUUIDString(Handle, uuid.ToString("D")));

    /// <summary>Looks up a domain.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>The domain, or null when there is none.</returns>
    public LibvirtDomain? FindDomain(string name) => Find(LibvirtNative.virDomainLookupByName(Handle, name));

    /// <summary>Lists all domains, running or defined. The caller disposes them.</summary>
    public IReadOnlyList<LibvirtDomain> ListDomains()
    {
        var count = LibvirtNative.virConnectListAllDomains(Handle, out var domains, 0);
        if (count < 0)
        {
            throw new LibvirtException(LibvirtNative.CopyLastError());
        }

        try
        {
            // All pointers are owned before anything can fail.
            var handles = new DomainHandle[count];
            for (var i = 0; i < count; i++)
            {
                handles[i] = new DomainHandle(domains[i]);
            }

            return [.. handles.Select(static handle => new LibvirtDomain(handle))];
        }
        finally
        {
            NativeMemory.Free(domains);
        }
    }

    /// <summary>Makes a domain that exists only while it runs, and starts it.</summary>
    /// <param name="xml">Its definition, checked against libvirt's schema.</param>
    public LibvirtDomain CreateTransient(string xml) => Own(LibvirtNative.virDomainCreateXML(Handle, xml, Validate));

    /// <summary>Defines a domain without starting it.</summary>
    /// <param name="xml">Its definition, checked against libvirt's schema.</param>
    public LibvirtDomain Define(string xml) => Own(LibvirtNative.virDomainDefineXMLFlags(Handle, xml, DefineValidate));

    /// <summary>The name of the host.</summary>
    public string GetHostName() => Text(LibvirtNative.virConnectGetHostname(Handle));

    /// <summary>The version of the daemon.</summary>
    public Version GetDaemonVersion()
    {
        Check(LibvirtNative.virConnectGetLibVersion(Handle, out var version));
        return ToVersion(version);
    }

    /// <summary>The version of the hypervisor.</summary>
    public Version GetHypervisorVersion()
    {
        Check(LibvirtNative.virConnectGetVersion(Handle, out var version));
        return ToVersion(version);
    }

    /// <summary>The capabilities of the host, as XML.</summary>
    public string GetCapabilities() => Text(LibvirtNative.virConnectGetCapabilities(Handle));

    /// <summary>What domains may look like on this host, as XML.</summary>
    /// <param name="architecture">Such as x86_64.</param>
    /// <param name="machine">The machine type, such as q35.</param>
    /// <param name="virtType">kvm or qemu.</param>
    public string GetDomainCapabilities(string architecture, string machine, string virtType) =>
        Text(LibvirtNative.virConnectGetDomainCapabilities(Handle, null, architecture, machine, virtType, 0));

    /// <summary>The hardware of the host.</summary>
    public LibvirtNodeInfo GetNodeInfo()
    {
        Check(LibvirtNative.virNodeGetInfo(Handle, out var info));
        return new LibvirtNodeInfo(Marshal.PtrToStringUTF8((nint)info.Model) ?? "", info.Memory, (int)info.Cpus, (int)info.Mhz);
    }

    /// <summary>The names of the active networks.</summary>
    public IReadOnlyList<string> ListActiveNetworks()
    {
        var count = LibvirtNative.virConnectListAllNetworks(Handle, out var networks, ActiveNetworks);
        if (count < 0)
        {
            throw new LibvirtException(LibvirtNative.CopyLastError());
        }

        var names = new List<string>(count);
        for (var i = 0; i < count; i++)
        {
            using var network = new NetworkHandle(networks[i]);
            if (Marshal.PtrToStringUTF8((nint)LibvirtNative.virNetworkGetName(network)) is { } name)
            {
                names.Add(name);
            }
        }

        NativeMemory.Free(networks);
        return names;
    }

    /// <summary>Opens a connection. Blocks as long as the daemon likes.</summary>
    internal static LibvirtSession Open(string uri)
    {
        LibvirtLibrary.EnsureStarted();
        var handle = LibvirtNative.virConnectOpen(uri);
        if (handle.IsInvalid)
        {
            throw new LibvirtException(LibvirtNative.CopyLastError());
        }

        // Finds a dead daemon. The built-in test driver has no daemon and says so; that is no failure.
        _ = LibvirtNative.virConnectSetKeepAlive(handle, KeepAliveSeconds, KeepAliveCount);
        return new LibvirtSession(handle);
    }

    /// <summary>Whether the connection stands, as far as this side knows.</summary>
    internal bool IsAlive() => !Handle.IsClosed && LibvirtNative.virConnectIsAlive(Handle) == 1;

    private static Version ToVersion(nuint version)
    {
        var number = (long)version;
        return new Version((int)(number / 1_000_000), (int)(number / 1000 % 1000), (int)(number % 1000));
    }

    private static LibvirtDomain Own(DomainHandle handle) =>
        handle.IsInvalid ? throw new LibvirtException(LibvirtNative.CopyLastError()) : new LibvirtDomain(handle);

    private static LibvirtDomain? Find(DomainHandle handle)
    {
        if (!handle.IsInvalid)
        {
            return new LibvirtDomain(handle);
        }

        var error = LibvirtNative.CopyLastError();
        return error.Code == LibvirtErrorCode.NoDomain ? null : throw new LibvirtException(error);
    }

    private static string Text(byte* text) => LibvirtNative.TakeString(text) ?? throw new LibvirtException(LibvirtNative.CopyLastError());

    private static int Check(int result) => result < 0 ? throw new LibvirtException(LibvirtNative.CopyLastError()) : result;
}
