namespace Holdfast.LinstorSimulation.Cluster;

/// <summary>How large a volume of a certain size becomes on its way through LVM and DRBD. All in KiB.</summary>
internal static class VolumeSizes
{
    public const long Extent = 4096;

    /// <summary>
    /// What a guest gets unless told to be exact: LVM rounds up to extents, files take any size, and DRBD gives all that is left beside its metadata.
    /// </summary>
    public static long Usable(ClusterState state, DefinitionRow definition, VolumeDefinitionRow volume)
    {
        if (IsExact(definition))
        {
            return volume.SizeKib;
        }

        var storage = Storage(state, definition, volume);
        return definition.Drbd ? storage - Metadata(definition, storage) : storage;
    }

    /// <summary>What the storage below the other layers has: whole extents, or on files what is asked for.</summary>
    public static long Storage(ClusterState state, DefinitionRow definition, VolumeDefinitionRow volume) =>
        RoundUp(Gross(definition, volume), OnFiles(state, definition) ? 1 : Extent);

    /// <summary>With DRBD's metadata.</summary>
    public static long Gross(DefinitionRow definition, VolumeDefinitionRow volume) =>
        definition.Drbd ? volume.SizeKib + Metadata(definition, volume.SizeKib) : volume.SizeKib;

    public static bool IsExact(DefinitionRow definition) =>
        definition.Props.TryGetValue("DrbdOptions/ExactSize", out var exact) && bool.TryParse(exact, out var value) && value;

    private static bool OnFiles(ClusterState state, DefinitionRow definition) =>
        definition.Resources.Find(static resource => !resource.Diskless) is { Pool: { } pool } resource && state.Pool(resource.Node, pool) is { File: true };

    /// <summary>Internal metadata: superblock and activity log, and for each peer a bitmap with a bit for 4 KiB.</summary>
    private static long Metadata(DefinitionRow definition, long size) => 36 + RoundUp(((definition.PeerSlots * size) + 32767) / 32768, 4);

    private static long RoundUp(long value, long step) => (value + step - 1) / step * step;
}
