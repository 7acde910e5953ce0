using Holdfast.Core.Ids;
using Holdfast.Core.States;

namespace Holdfast.Core.Planning;

/// <summary>Where a template stands on the pool of a volume.</summary>
/// <param name="Id">The sealed volume.</param>
/// <param name="State">Its state.</param>
/// <param name="Error">Why it failed.</param>
public sealed record CopyFacts(VolumeId Id, TemplateCopyState State, string? Error);

/// <summary>The task under way for a volume.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="State">Its state.</param>
/// <param name="Error">Why it failed.</param>
/// <param name="Tried">Deletions: the backend was asked and did not do it yet.</param>
/// <param name="CanBeTried">Deletions: the host that has it is heard of, and may call the backend.</param>
public sealed record TaskFacts(WorkKind Kind, WorkState State, string? Error, bool Tried = false, bool CanBeTried = true);

/// <summary>A volume of a VM.</summary>
public sealed record VolumeFacts
{
    /// <summary>The volume.</summary>
    public required VolumeId Id { get; init; }

    /// <summary>Its name, for texts.</summary>
    public required string Name { get; init; }

    /// <summary>Root or data.</summary>
    public required VolumeType Type { get; init; }

    /// <summary>Its state.</summary>
    public required VolumeState State { get; init; }

    /// <summary>Its pool, once chosen.</summary>
    public PoolId? PoolId { get; init; }

    /// <summary>The pool's name, for texts.</summary>
    public string? PoolName { get; init; }

    /// <summary>The pool's state.</summary>
    public PoolState? PoolState { get; init; }

    /// <summary>Size in bytes that it has or is to have.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>While it is resized: the new size.</summary>
    public long? WantedSizeBytes { get; init; }

    /// <summary>Tags that its pool must have.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Whether it is cloned from a template.</summary>
    public bool FromTemplate { get; init; }

    /// <summary>The template on its pool that it waits for or was told to use; null when none was looked for yet.</summary>
    public CopyFacts? Copy { get; init; }

    /// <summary>The task under way.</summary>
    public TaskFacts? Task { get; init; }

    /// <summary>Whether no earlier try to make it failed.</summary>
    public bool IsFirstTry { get; init; }

    /// <summary>Since when its backend does not know it; null: nothing is known to be wrong.</summary>
    public DateTimeOffset? Missing { get; init; }

    /// <summary>Being attached.</summary>
    public bool IsAttaching { get; init; }

    /// <summary>Being detached.</summary>
    public bool IsDetaching { get; init; }

    /// <summary>Named in destroyVirtualMachine: goes with the VM, as the root disk does.</summary>
    public bool GoesWithVm { get; init; }

    /// <summary>Jobs that wait for it.</summary>
    public IReadOnlyList<JobFacts> Jobs { get; init; } = [];
}
