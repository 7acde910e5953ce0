namespace Holdfast.Core.States;

/// <summary>What an account or a domain may have only so much of. The numbers are CloudStack's resource types.</summary>
public enum LimitedResource
{
    /// <summary>VMs.</summary>
    UserVm = 0,

    /// <summary>Volumes, root disks among them.</summary>
    Volume = 2,

    /// <summary>Templates.</summary>
    Template = 4,

    /// <summary>Projects that the account owns.</summary>
    Project = 5,

    /// <summary>Virtual CPUs of VMs.</summary>
    Cpu = 8,

    /// <summary>Memory of VMs, in MiB.</summary>
    Memory = 9,

    /// <summary>Sizes of volumes, in GiB.</summary>
    PrimaryStorage = 10,
}
