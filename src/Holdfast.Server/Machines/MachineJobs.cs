using Holdfast.Core.States;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Machines;

/// <summary>The kinds of job about VMs.</summary>
internal static class MachineJobs
{
    /// <summary>A VM has other SSH keys.</summary>
    public static JobKind ResetSshKey { get; } = new(nameof(ResetSshKey));

    /// <summary>A VM has another password.</summary>
    public static JobKind ResetPassword { get; } = new(nameof(ResetPassword));

    /// <summary>A VM is in other affinity groups.</summary>
    public static JobKind UpdateAffinity { get; } = new(nameof(UpdateAffinity));

    /// <summary>The kinds.</summary>
    public static IReadOnlyList<JobType> All { get; } =
    [
        new(JobKind.DeployVm, "VM.CREATE", "org.apache.cloudstack.api.command.user.vm.DeployVMCmd") { HasSecret = true },
        new(JobKind.StartVm, "VM.START", "org.apache.cloudstack.api.command.user.vm.StartVMCmd"),
        new(JobKind.StopVm, "VM.STOP", "org.apache.cloudstack.api.command.user.vm.StopVMCmd"),
        new(JobKind.RestoreVm, "VM.RESTORE", "org.apache.cloudstack.api.command.user.vm.RestoreVMCmd") { HasSecret = true },
        new(JobKind.RebootVm, "VM.REBOOT", "org.apache.cloudstack.api.command.user.vm.RebootVMCmd"),
        new(JobKind.DestroyVm, "VM.DESTROY", "org.apache.cloudstack.api.command.user.vm.DestroyVMCmd"),
        new(JobKind.ScaleVm, EventTypes.VmUpgrade, "org.apache.cloudstack.api.command.user.vm.ScaleVMCmd"),
        new(ResetSshKey, "VM.RESETSSHKEY", "org.apache.cloudstack.api.command.user.vm.ResetVMSSHKeyCmd"),
        new(ResetPassword, "VM.RESETPASSWORD", "org.apache.cloudstack.api.command.user.vm.ResetVMPasswordCmd") { HasSecret = true },
        new(UpdateAffinity, "VM.AG.UPDATE", "org.apache.cloudstack.api.command.user.affinitygroup.UpdateVMAffinityGroupCmd"),
        new(JobKind.ExpungeVm, "VM.EXPUNGE", "org.apache.cloudstack.api.command.admin.vm.ExpungeVMCmd") { EndsObject = true },
    ];
}
