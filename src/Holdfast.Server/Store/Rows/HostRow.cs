using Holdfast.Core.Ids;
using Holdfast.Core.States;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>A KVM host. Its state never depends on its storage pools.</summary>
[Table("hosts")]
internal sealed record HostRow
{
    [PrimaryKey, Column("id")]
    public required HostId Id { get; init; }

    [Column("zone_id")]
    public required ZoneId ZoneId { get; init; }

    [Column("pod_id")]
    public required PodId PodId { get; init; }

    [Column("cluster_id")]
    public required ClusterId ClusterId { get; init; }

    /// <summary>The installation that may speak for it now.</summary>
    [Column("incarnation_id")]
    public IncarnationId? IncarnationId { get; init; }

    [Column("name"), NotNull]
    public required string Name { get; init; }

    [Column("node_name"), NotNull]
    public required string NodeName { get; init; }

    [Column("state")]
    public required HostState State { get; init; }

    [Column("resource_state")]
    public required ResourceState ResourceState { get; init; }

    [Column("address")]
    public string? Address { get; init; }

    [Column("cpus")]
    public required int Cpus { get; init; }

    [Column("cpu_mhz")]
    public required int CpuMhz { get; init; }

    [Column("memory_bytes")]
    public required long MemoryBytes { get; init; }

    /// <summary>kvm or tcg.</summary>
    [Column("accelerator"), NotNull]
    public required string Accelerator { get; init; }

    [Column("hypervisor_version")]
    public string? HypervisorVersion { get; init; }

    [Column("libvirt_version")]
    public string? LibvirtVersion { get; init; }

    [Column("agent_version"), NotNull]
    public required string AgentVersion { get; init; }

    /// <summary>Comma-separated, by the names of <see cref="FirmwareNames"/>: what guests can boot by there, besides BIOS.</summary>
    [Column("firmware"), NotNull]
    public string Firmware { get; init; } = string.Empty;

    /// <summary>JSON object: driver name to version.</summary>
    [Column("drivers"), NotNull]
    public required string Drivers { get; init; }

    [Column("host_tags"), NotNull]
    public required string HostTags { get; init; }

    [Column("last_report")]
    public DateTimeOffset? LastReport { get; init; }

    /// <summary>Since when it is not Up; null while Up.</summary>
    [Column("disconnected")]
    public DateTimeOffset? Disconnected { get; init; }

    /// <summary>How many things it said could not be taken yet; their rows are those of its installation.</summary>
    [Column("set_aside")]
    public int SetAside { get; init; }

    [Column("created")]
    public required DateTimeOffset Created { get; init; }

    [Column("removed")]
    public DateTimeOffset? Removed { get; init; }
}
