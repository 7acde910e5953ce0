namespace Holdfast.LinstorSimulation;

/// <summary>What cluster to simulate, where, and how to reach it. The cluster's shape counts for a new state folder only; an existing one keeps its own.</summary>
public sealed record LinstorSimulatorOptions
{
    /// <summary>TCP port of the REST API on 127.0.0.1; 0: chosen by the system, and kept over a restart of this instance.</summary>
    public int Port { get; init; }

    /// <summary>TCP port of the admin API on 127.0.0.1; 0: chosen by the system.</summary>
    public int AdminPort { get; init; }

    /// <summary>The folder that keeps everything; null: a new one under the temporary folder, destroyed with the instance.</summary>
    public string? StateFolder { get; init; }

    /// <summary>The node that stands for this machine.</summary>
    public string NodeName { get; init; } = Environment.MachineName;

    /// <summary>Further nodes that stand for this machine too, each with device links of its own: <c>dev-NAME</c> under the state folder.</summary>
    public IReadOnlyList<string> MoreLocalNodes { get; init; } = [];

    /// <summary>Nodes that exist in the model only.</summary>
    public IReadOnlyList<string> SimulatedNodes { get; init; } = [];

    /// <summary>The storage pool of every node.</summary>
    public string StoragePool { get; init; } = "thin";

    /// <summary>The provider kind of the storage pools: <c>LVM_THIN</c>, <c>FILE_THIN</c> or <c>FILE</c>.</summary>
    public string StorageKind { get; init; } = "LVM_THIN";

    /// <summary>Whether the file system below pools of files shares blocks between files, as XFS does and ext4 does not; without, LINSTOR takes no snapshot there.</summary>
    public bool Reflinks { get; init; } = true;

    /// <summary>Capacity of each storage pool in bytes.</summary>
    public long Capacity { get; init; } = 20L << 30;

    /// <summary>A resource group to have from the start, on the storage pool.</summary>
    public string ResourceGroup { get; init; } = "rg";

    /// <summary>The group's layer stack: DRBD over storage when true, storage only when false.</summary>
    public bool Drbd { get; init; }

    /// <summary>The group's place count; null: 1 for storage only, 2 for DRBD where there are two nodes.</summary>
    public int? PlaceCount { get; init; }

    /// <summary>Where the device links of the first node go: <c>drbd/by-res/RESOURCE/0</c>; null: <c>dev</c> under the state folder.</summary>
    public string? DeviceRoot { get; init; }

    /// <summary>Real loop devices, or none at all.</summary>
    public DeviceMode Devices { get; init; } = DeviceMode.Loop;

    /// <summary>The version the controller says it is.</summary>
    public string Version { get; init; } = "1.34.0";

    /// <summary>The REST API version; request fields that are newer are refused as unknown.</summary>
    public string RestApiVersion { get; init; } = "1.28.0";

    /// <summary>When set, every call but <c>/</c>, <c>/health</c> and <c>/ui</c> needs it as a bearer token.</summary>
    public string? Token { get; init; }

    /// <summary>When true there is an HTTPS listener too, and the plain one answers <c>/v1</c> with 302 to it.</summary>
    public bool Https { get; init; }

    /// <summary>Port of the HTTPS listener; 0: chosen by the system.</summary>
    public int HttpsPort { get; init; }

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
