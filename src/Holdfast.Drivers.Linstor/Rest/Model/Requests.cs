namespace Holdfast.Drivers.Linstor.Rest.Model;

/// <summary>The body of a request that has nothing to say; LINSTOR refuses an empty one.</summary>
internal sealed record EmptyBody;

/// <summary>Makes a definition and its resources as a group says; sizes in KiB.</summary>
internal sealed record SpawnRequest(
    string ResourceDefinitionName,
    IReadOnlyList<long> VolumeSizes,
    bool Partial,
    IReadOnlyDictionary<string, string>? ResourceDefinitionProps,
    PlaceFilter? SelectFilter = null);

/// <summary>Makes a resource definition alone.</summary>
internal sealed record ResourceDefinitionCreate(ResourceDefinitionBody ResourceDefinition);

/// <summary>The definition to make.</summary>
internal sealed record ResourceDefinitionBody(string Name, string ResourceGroupName, IReadOnlyDictionary<string, string> Props);

/// <summary>Makes a volume definition.</summary>
internal sealed record VolumeDefinitionCreate(VolumeDefinitionBody VolumeDefinition);

/// <summary>The volume definition to make; size in KiB.</summary>
internal sealed record VolumeDefinitionBody(int VolumeNumber, long SizeKib);

/// <summary>Resizes a volume definition; size in KiB.</summary>
internal sealed record VolumeDefinitionModify(long SizeKib);

/// <summary>Changes properties.</summary>
internal sealed record PropertyChange(IReadOnlyDictionary<string, string>? OverrideProps, IReadOnlyList<string>? DeleteProps = null);

/// <summary>Makes a resource usable on a node.</summary>
internal sealed record MakeAvailable(bool Diskful);

/// <summary>Places resources until a filter, over the group's own, is met.</summary>
internal sealed record AutoPlace(PlaceFilter SelectFilter);

/// <summary>Where resources are placed, in the place of what the group says.</summary>
internal sealed record PlaceFilter(IReadOnlyList<string> NodeNameList, int PlaceCount);

/// <summary>Takes a snapshot.</summary>
internal sealed record SnapshotCreate(string Name);

/// <summary>Restores a snapshot into another definition.</summary>
internal sealed record SnapshotRestore(string ToResource);

/// <summary>Clones a definition.</summary>
internal sealed record CloneRequest(
    string Name,
    IReadOnlyDictionary<string, string> OverrideProps,
    IReadOnlyList<string> DeleteProps);
