using Holdfast.Core.Ids;
using Holdfast.Core.States;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>A VM.</summary>
[Table("vms")]
internal sealed record VmRow
{
    [PrimaryKey, Column("id")]
    public required VmId Id { get; init; }

    [Column("number")]
    public required long Number { get; init; }

    [Column("name"), NotNull]
    public required string Name { get; init; }

    [Column("display_name"), NotNull]
    public required string DisplayName { get; init; }

    /// <summary>The libvirt domain's name; unique.</summary>
    [Column("instance_name"), NotNull]
    public required string InstanceName { get; init; }

    [Column("account_id")]
    public required AccountId AccountId { get; init; }

    [Column("user_id")]
    public required UserId UserId { get; init; }

    [Column("zone_id")]
    public required ZoneId ZoneId { get; init; }

    [Column("state")]
    public required VmState State { get; init; }

    [Column("state_since")]
    public required DateTimeOffset StateSince { get; init; }

    /// <summary>Where it runs or is being started or stopped; null when the guest is confirmed gone.</summary>
    [Column("host_id")]
    public HostId? HostId { get; init; }

    /// <summary>Installation that has its machine item; stays until that item is confirmed absent.</summary>
    [Column("incarnation_id")]
    public IncarnationId? IncarnationId { get; init; }

    [Column("last_host_id")]
    public HostId? LastHostId { get; init; }

    [Column("template_id")]
    public TemplateId? TemplateId { get; init; }

    [Column("service_offering_id")]
    public required ServiceOfferingId ServiceOfferingId { get; init; }

    [Column("firmware")]
    public MachineFirmware Firmware { get; init; }

    [Column("cpus")]
    public required int Cpus { get; init; }

    [Column("cpu_mhz")]
    public required int CpuMhz { get; init; }

    [Column("memory_mib")]
    public required int MemoryMib { get; init; }

    /// <summary>Whether it allows that it is given another size while it runs.</summary>
    [Column("dynamically_scalable")]
    public bool DynamicallyScalable { get; init; } = true;

    /// <summary>The most virtual CPUs that its guest can be given; null: it was started without room, or is not there.</summary>
    [Column("max_cpus")]
    public int? MaxCpus { get; init; }

    /// <summary>The most memory; together with <see cref="MaxCpus"/>.</summary>
    [Column("max_memory_mib")]
    public int? MaxMemoryMib { get; init; }

    /// <summary>
    /// The offering that it had before it was given another one while it runs; with the three below. Null: what it has it keeps. Else it has that again when its guest ends, unless
    /// the guest is confirmed to have what it was given.
    /// </summary>
    [Column("kept_offering_id")]
    public ServiceOfferingId? KeptOfferingId { get; init; }

    [Column("kept_cpus")]
    public int? KeptCpus { get; init; }

    [Column("kept_cpu_mhz")]
    public int? KeptCpuMhz { get; init; }

    [Column("kept_memory_mib")]
    public int? KeptMemoryMib { get; init; }

    /// <summary>Of the machine; grows with each change of what its host should do.</summary>
    [Column("generation")]
    public required Generation Generation { get; init; }

    [Column("reboot_sequence")]
    public required long RebootSequence { get; init; }

    [Column("forced_reboot")]
    public required bool ForcedReboot { get; init; }

    [Column("forced_stop")]
    public required bool ForcedStop { get; init; }

    [Column("grace_seconds")]
    public required int GraceSeconds { get; init; }

    /// <summary>False until the first start succeeded: a failed deploy ends in Error.</summary>
    [Column("ever_ran")]
    public required bool EverRan { get; init; }

    /// <summary>Whether it is on its way out.</summary>
    [Column("removal")]
    public required VmRemoval Removal { get; init; }

    /// <summary>The host that the start under way was asked to use.</summary>
    [Column("only_host_id")]
    public HostId? OnlyHostId { get; init; }

    [Column("only_cluster_id")]
    public ClusterId? OnlyClusterId { get; init; }

    /// <summary>The pool whose maintenance stopped it.</summary>
    [Column("restart_on_cancel")]
    public PoolId? RestartOnCancel { get; init; }

    /// <summary>Whether it is started again when its guest has ended, which was stopped to get another root disk.</summary>
    [Column("starts_again")]
    public bool StartsAgain { get; init; }

    /// <summary>What stands in the way, for operators.</summary>
    [Column("condition")]
    public string? Condition { get; init; }

    /// <summary>Since when its QEMU, which is to end, is known to survive SIGKILL; null when it is not.</summary>
    [Column("stuck")]
    public DateTimeOffset? Stuck { get; init; }

    /// <summary>Since when its guest, which is to run, is told to stand still; null when it is not. <see cref="Condition"/> says why.</summary>
    [Column("paused")]
    public DateTimeOffset? Paused { get; init; }

    /// <summary>JSON array of network names its host put it on.</summary>
    [Column("networks"), NotNull]
    public required string Networks { get; init; }

    /// <summary>JSON object.</summary>
    [Column("details"), NotNull]
    public required string Details { get; init; }

    /// <summary>Details that root administrators alone see.</summary>
    [Column("hidden_details"), NotNull]
    public string HiddenDetails { get; init; } = "{}";

    /// <summary>JSON object: the names of its SSH key pairs, and their public keys.</summary>
    [Column("ssh_keys"), NotNull]
    public string SshKeys { get; init; } = "{}";

    /// <summary>The registered user data that its own is a copy of.</summary>
    [Column("user_data_id")]
    public UserDataId? UserDataId { get; init; }

    /// <summary>JSON object: the values of variables of its user data.</summary>
    [Column("user_data_details"), NotNull]
    public string UserDataDetails { get; init; } = "{}";

    /// <summary>How often it was given something new to be told at a start; 0: made before guests were told anything, and nothing given since.</summary>
    [Column("told")]
    public long Told { get; init; }

    /// <summary>The password of its guest, sealed.</summary>
    [Column("password")]
    public string? Password { get; init; }

    /// <summary>The job that answers the password to who asked for it.</summary>
    [Column("password_job_id")]
    public JobId? PasswordJobId { get; init; }

    /// <summary>Whether a guest has started with it, so that the next is not told again.</summary>
    [Column("password_told")]
    public bool PasswordTold { get; init; }

    /// <summary>The group that it is in.</summary>
    [Column("group_id")]
    public InstanceGroupId? GroupId { get; init; }

    /// <summary>Whether it cannot be destroyed, by whatever way.</summary>
    [Column("delete_protection")]
    public bool DeleteProtection { get; init; }

    [Column("created")]
    public required DateTimeOffset Created { get; init; }

    [Column("destroyed")]
    public DateTimeOffset? Destroyed { get; init; }

    [Column("removed")]
    public DateTimeOffset? Removed { get; init; }
}
