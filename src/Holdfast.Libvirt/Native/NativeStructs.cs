using System.Runtime.InteropServices;

namespace Holdfast.Libvirt.Native;

/// <summary>The beginning of libvirt's virError; the rest is obsolete or of no use.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct VirError
{
    internal int Code;
    internal int Domain;
    internal byte* Message;
}

/// <summary>libvirt's virDomainInfo.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct VirDomainInfo
{
    internal byte State;
    internal nuint MaxMem;
    internal nuint Memory;
    internal ushort NrVirtCpu;
    internal ulong CpuTime;
}

/// <summary>libvirt's virDomainDiskError.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct VirDomainDiskError
{
    internal byte* Disk;
    internal int Error;
}

/// <summary>libvirt's virNodeInfo.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct VirNodeInfo
{
    internal fixed byte Model[32];
    internal nuint Memory;
    internal uint Cpus;
    internal uint Mhz;
    internal uint Nodes;
    internal uint Sockets;
    internal uint Cores;
    internal uint Threads;
}
