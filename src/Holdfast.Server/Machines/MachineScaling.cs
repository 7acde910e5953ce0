using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Server.Limits;
using Holdfast.Server.Placement;
using Holdfast.Server.Settings;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Machines;

/// <summary>VMs that are given another size while they run.</summary>
internal static class MachineScaling
{
    /// <summary>What it has again when its guest ends; null: what it has.</summary>
    public static VmAmounts? KeptOf(VmRow vm) => vm is { KeptCpus: { } cpus, KeptMemoryMib: { } memory } ? new VmAmounts(cpus, memory) : null;

    /// <summary>A VM whose guest has what it was given.</summary>
    public static VmRow Confirmed(VmRow vm) => vm with { KeptOfferingId = null, KeptCpus = null, KeptCpuMhz = null, KeptMemoryMib = null };

    /// <summary>A VM that has again what it had before.</summary>
    public static VmRow TakenBack(VmRow vm) => vm is { KeptOfferingId: { } offering, KeptCpus: { } cpus, KeptCpuMhz: { } mhz, KeptMemoryMib: { } memory }
        ? Confirmed(vm) with { ServiceOfferingId = offering, Cpus = cpus, CpuMhz = mhz, MemoryMib = memory }
        : vm;

    /// <summary>A VM whose guest holds more than it has: until the guest ends that counts, against its owner's limits and on its host.</summary>
    public static VmRow Holding(VmRow vm, VmAmounts amounts) => Keeping(vm) with { Cpus = amounts.Cpus, MemoryMib = amounts.MemoryMib };

    /// <summary>A VM that is about to start, with the room that its guest is to be given.</summary>
    public static async Task<VmRow> WithRoomAsync(Turn turn, VmRow vm, CancellationToken cancellationToken)
    {
        VmAmounts? room = null;
        var settings = await SettingValues.ReadAsync(turn, cancellationToken);
        if (settings[Setting.DynamicScaling] && vm is { DynamicallyScalable: true, HostId: { } hostId }
            && await turn.Db.ServiceOfferings.AnyAsync(o => o.Id == vm.ServiceOfferingId && o.DynamicScaling && turn.Db.Templates.Any(t => t.Id == vm.TemplateId && t.DynamicallyScalable), cancellationToken)
            && await turn.Part<KeptRows>().HostAsync(hostId, cancellationToken) is { } host)
        {
            room = ScalingRule.Room(new VmAmounts(vm.Cpus, vm.MemoryMib), host.Cpus, host.MemoryBytes >> 20, settings[Setting.DynamicScalingCpus], settings[Setting.DynamicScalingMemory]);
        }

        return vm with { MaxCpus = room?.Cpus, MaxMemoryMib = room?.MemoryMib };
    }

    /// <summary>A running VM with another offering, or another size by the same; or why not.</summary>
    public static async Task<(VmRow? Scaled, string Text, ApiFault? Fault)> ScaledAsync(Turn turn, VmRow vm, ServiceOfferingId offeringId, GivenSize given, CancellationToken cancellationToken)
    {
        var (wantedId, presentId) = (offeringId, vm.ServiceOfferingId);
        var offerings = await turn.Db.ServiceOfferings.Where(o => o.Id == wantedId || o.Id == presentId).ToListAsync(cancellationToken);
        if (offerings.Find(o => o.Id == wantedId && o.Removed == null) is not { } offering)
        {
            return Not(Faults.NoSuchEntity("scaleVirtualMachine", "serviceofferingid", offeringId));
        }

        var (size, badSize) = VmSize.Of(offering, given);
        if (size is null)
        {
            return Not(badSize!);
        }

        var template = await turn.Db.Templates.FirstOrDefaultAsync(t => t.Id == vm.TemplateId, cancellationToken);
        var settings = await SettingValues.ReadAsync(turn, cancellationToken);
        var here = await turn.Db.Hosts.Where(h => h.Id == vm.HostId && h.IncarnationId != null).Select(HostOffer.Of(turn.Db, vm.Id)).FirstOrDefaultAsync(cancellationToken);
        List<string> forbidding =
        [
            .. settings[Setting.DynamicScaling] ? [] : new[] { $"this installation (setting {ScalingRule.SettingName})" },
            .. vm.DynamicallyScalable ? [] : new[] { "the VM" },
            .. template switch
            {
                null => ["the VM's template, which is gone"],
                { DynamicallyScalable: false } => [$"template {template.Name} ({template.Id})"],
                _ => Array.Empty<string>(),
            },
            .. offerings.Where(o => !o.DynamicScaling).Select(o => $"service offering {o.Name} ({o.Id})"),
        ];
        var refusal = ScalingRule.WhyNot(new ScalingFacts
        {
            Vm = $"{vm.Name} ({vm.Id})",
            Forbidding = forbidding,
            Has = new VmAmounts(vm.Cpus, vm.MemoryMib),
            Wanted = new VmAmounts(size.Cpus, size.MemoryMib),
            HasMhz = vm.CpuMhz,
            WantedMhz = size.CpuMhz,
            Most = vm is { MaxCpus: { } cpus, MaxMemoryMib: { } memory } ? new VmAmounts(cpus, memory) : null,
            Host = here?.ToCandidate(),
            HostTags = Csv.Split(offering.HostTags),
        });
        if (refusal is not null)
        {
            return Not(Turn.ApiFaultOf(refusal));
        }

        if (await turn.Db.Jobs.AnyAsync(j => j.InstanceId == vm.Id.Value && j.Kind == JobKind.ScaleVm && j.State == JobState.Pending, cancellationToken))
        {
            return Not(Faults.Concurrent($"Unable to scale the running VM {vm.Name} ({vm.Id}): another scaling of it is under way"));
        }

        var more = new ResourceAmounts { Cpus = size.Cpus - vm.Cpus, MemoryMib = size.MemoryMib - vm.MemoryMib };
        if (await ResourceLimits.WhyNotAsync(turn, vm.AccountId, more, cancellationToken) is { } beyond)
        {
            return Not(beyond);
        }

        // Of what the guest has already nothing has to be confirmed.
        var before = (size.Cpus, size.MemoryMib) == (vm.Cpus, vm.MemoryMib) ? Confirmed(vm) : Keeping(vm);
        return (before with { ServiceOfferingId = offering.Id, Cpus = size.Cpus, CpuMhz = size.CpuMhz, MemoryMib = size.MemoryMib }, string.Empty, null);

        static (VmRow?, string, ApiFault?) Not(ApiFault fault) => (null, string.Empty, fault);
    }

    // The first that it had: what was confirmed last.
    private static VmRow Keeping(VmRow vm) => vm.KeptOfferingId is null
        ? vm with { KeptOfferingId = vm.ServiceOfferingId, KeptCpus = vm.Cpus, KeptCpuMhz = vm.CpuMhz, KeptMemoryMib = vm.MemoryMib }
        : vm;
}
