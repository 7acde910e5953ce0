using Holdfast.Core.Ids;
using Holdfast.Core.States;

namespace Holdfast.Core.Planning;

/// <summary>Everything that decides what follows for one VM.</summary>
public sealed record VmFacts
{
    /// <summary>The VM.</summary>
    public required VmId Id { get; init; }

    /// <summary>Its name, for texts.</summary>
    public required string Name { get; init; }

    /// <summary>Its state.</summary>
    public required VmState State { get; init; }

    /// <summary>Whether it is on its way out.</summary>
    public VmRemoval Removal { get; init; }

    /// <summary>Whether a start of it ever succeeded.</summary>
    public bool EverRan { get; init; }

    /// <summary>A stop skips the ACPI request.</summary>
    public bool IsStopForced { get; init; }

    /// <summary>Reboots asked for in its life.</summary>
    public long RebootSequence { get; init; }

    /// <summary>Virtual CPUs that it has, or is given while it runs.</summary>
    public int Cpus { get; init; }

    /// <summary>MiB of memory that it has, or is given while it runs.</summary>
    public int MemoryMib { get; init; }

    /// <summary>What it has from its next start on, where that is less: a scaling was taken back, and its guest does not give up what it was given. Null: what it has.</summary>
    public VmAmounts? Kept { get; init; }

    /// <summary>The installation it was placed on; null when the guest is confirmed gone or no place was chosen yet.</summary>
    public IncarnationId? Incarnation { get; init; }

    /// <summary>The item at that installation; null when none was sent.</summary>
    public MachineFacts? Machine { get; init; }

    /// <summary>Whether that item asks for a forced stop.</summary>
    public bool IsMachineForced { get; init; }

    /// <summary>Items for it on any host that are not confirmed absent.</summary>
    public int MachineItems { get; init; }

    /// <summary>Whether operators were told that its QEMU cannot be killed.</summary>
    public bool IsStuck { get; init; }

    /// <summary>Whether it was told that its guest stands still.</summary>
    public bool IsPaused { get; init; }

    /// <summary>What operators read about it now.</summary>
    public string? Condition { get; init; }

    /// <summary>Pending jobs of the VM.</summary>
    public IReadOnlyList<JobFacts> Jobs { get; init; } = [];

    /// <summary>Its volumes, by device.</summary>
    public IReadOnlyList<VolumeFacts> Volumes { get; init; } = [];

    /// <summary>A new root disk that takes the place of the present one when it is made; not among <see cref="Volumes"/>.</summary>
    public VolumeFacts? Replacement { get; init; }

    /// <summary>Whether it is started again when its guest, which was stopped for that, has ended.</summary>
    public bool StartsAgain { get; init; }

    /// <summary>What there is to choose from; must be given while <see cref="VmPlanner.NeedsPlacement"/> says so.</summary>
    public PlacementFacts? Placement { get; init; }

    /// <summary>The time.</summary>
    public required DateTimeOffset Now { get; init; }
}
