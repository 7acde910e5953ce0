using System.Linq.Expressions;
using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;

namespace Holdfast.Server.Placement;

/// <summary>What is read of a host to place a VM, and nothing more.</summary>
internal sealed record HostOffer
{
    public required HostId Id { get; init; }

    public required IncarnationId? IncarnationId { get; init; }

    public required ClusterId ClusterId { get; init; }

    public required string Name { get; init; }

    public required HostState State { get; init; }

    public required ResourceState ResourceState { get; init; }

    /// <summary>As <see cref="PlaceRule.DisabledPlaceOf"/> has it.</summary>
    public required string? DisabledPlace { get; init; }

    public required int Cpus { get; init; }

    public required long MemoryBytes { get; init; }

    public required string HostTags { get; init; }

    public required string Firmware { get; init; }

    public required int UsedCpus { get; init; }

    public required int UsedMemoryMib { get; init; }

    /// <summary>Where it stands on the ring.</summary>
    public required string RingKey { get; init; }

    /// <summary>Reads it, in a statement.</summary>
    /// <param name="db">The store.</param>
    /// <param name="vm">A VM that does not count.</param>
    public static Expression<Func<HostRow, HostOffer>> Of(StoreConnection db, VmId vm) => h => new HostOffer
    {
        Id = h.Id,
        IncarnationId = h.IncarnationId,
        ClusterId = h.ClusterId,
        Name = h.Name,
        State = h.State,
        ResourceState = h.ResourceState,
        DisabledPlace = PlaceRule.DisabledPlaceOf(db, h),
        Cpus = h.Cpus,
        MemoryBytes = h.MemoryBytes,
        HostTags = h.HostTags,
        Firmware = h.Firmware,
        UsedCpus = db.Vms.Where(v => v.HostId == h.Id && v.Removed == null && v.Id != vm).Sum(v => (int?)v.Cpus) ?? 0,
        UsedMemoryMib = db.Vms.Where(v => v.HostId == h.Id && v.Removed == null && v.Id != vm).Sum(v => (int?)v.MemoryMib) ?? 0,
        RingKey = StoreSql.RingKey(h.Id),
    };

    /// <summary>As the planner takes it.</summary>
    /// <param name="alike">Further hosts that are refused for the same reason.</param>
    public HostCandidate ToCandidate(int alike = 0) => new()
    {
        Id = Id,
        IncarnationId = IncarnationId!.Value,
        ClusterId = ClusterId,
        Name = Name,
        IsUp = State == HostState.Up,
        IsEnabled = ResourceState == ResourceState.Enabled,
        DisabledPlace = DisabledPlace,
        Cpus = Cpus,
        MemoryMib = MemoryBytes >> 20,
        UsedCpus = UsedCpus,
        UsedMemoryMib = UsedMemoryMib,
        Tags = Csv.Split(HostTags),
        Firmware = FirmwareNames.Read(Firmware),
        Alike = alike,
    };
}
