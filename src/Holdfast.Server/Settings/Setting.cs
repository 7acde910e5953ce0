using System.Globalization;
using Holdfast.Core.Planning;
using Holdfast.Server.Api.Authentication;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Settings;

/// <summary>
/// A setting of the installation that operators may change while the server runs. CloudStack's names and units where it has the same setting. Immutable; a closed
/// hierarchy.
/// </summary>
internal abstract record Setting
{
    private protected Setting()
    {
    }

    /// <summary>How long an obligation may be owed before an alert.</summary>
    public static DurationSetting ObligationAlertAge { get; } = new()
    {
        Name = "obligation.alert.age",
        Category = "Alert",
        Description = "Seconds that something may be owed to a storage backend before an alert is told, once for each obligation",
        Unit = TimeSpan.FromSeconds(1),
        UnitName = "seconds",
        Maximum = 315_360_000,
        DefaultOf = static timings => timings.ObligationAlertAge,
    };

    /// <summary>How long a destroyed VM can be recovered.</summary>
    public static DurationSetting ExpungeDelay { get; } = new()
    {
        Name = "expunge.delay",
        Category = "Advanced",
        Description = "Seconds from the destruction of a VM until it is expunged; it can be recovered for so long",
        Unit = TimeSpan.FromSeconds(1),
        UnitName = "seconds",
        Maximum = 315_360_000,
        DefaultOf = static timings => timings.ExpungeDelay,
    };

    /// <summary>How long a destroyed volume can be recovered.</summary>
    public static DurationSetting VolumeCleanupDelay { get; } = new()
    {
        Name = "storage.cleanup.delay",
        Category = "Storage",
        Description = "Seconds from the destruction of a volume (destroyVolume, or a root disk that restoreVirtualMachine replaced) until it is expunged; it can be recovered for so long. Those that were destroyed with their VM go by expunge.delay",
        Unit = TimeSpan.FromSeconds(1),
        UnitName = "seconds",
        Maximum = 315_360_000,
        DefaultOf = static timings => timings.ExpungeDelay,
    };

    /// <summary>How long ended jobs are kept.</summary>
    public static DurationSetting JobExpire { get; } = new()
    {
        Name = "job.expire.minutes",
        Category = "Advanced",
        Description = "Minutes that an async job is kept after its end; queryAsyncJobResult does not know it afterwards",
        Unit = TimeSpan.FromMinutes(1),
        UnitName = "minutes",
        Minimum = 1,
        Maximum = 5_256_000,
        DefaultOf = static timings => timings.KeepJobs,
    };

    /// <summary>How long a storage pool may go on being added.</summary>
    public static DurationSetting PoolAddTimeout { get; } = new()
    {
        Name = "storage.pool.add.timeout",
        Category = "Storage",
        Description = "Seconds from createStoragePool until a host must serve the storage pool; afterwards it is removed again, with an event that says what each host said. Pools that are being added keep what was set when they were begun",
        Unit = TimeSpan.FromSeconds(1),
        UnitName = "seconds",
        Minimum = 1,
        Maximum = 86_400,
        DefaultOf = static timings => timings.AddPool,
    };

    /// <summary>How long createStoragePool waits for a host.</summary>
    public static DurationSetting PoolAddWait { get; } = new()
    {
        Name = "storage.pool.add.wait",
        Category = "Storage",
        Description = "Seconds that createStoragePool waits for a host to serve the storage pool before it answers with the pool in state Initialized, which goes on being added; many clients give up at 10 seconds",
        Unit = TimeSpan.FromSeconds(1),
        UnitName = "seconds",
        Minimum = 1,
        Maximum = 3600,
        DefaultOf = static timings => timings.AddPoolWait,
    };

    /// <summary>How long maintenance of a pool waits for what is owed to it.</summary>
    public static DurationSetting MaintenanceSettle { get; } = new()
    {
        Name = "storage.maintenance.settle.timeout",
        Category = "Storage",
        Description = "Seconds that enableStorageMaintenance gives hosts that reach the storage pool's backend, once the guests are gone, to release and delete there what they owe, before nobody calls it any more; 0 gives none",
        Unit = TimeSpan.FromSeconds(1),
        UnitName = "seconds",
        Maximum = 540,
        DefaultOf = static timings => timings.MaintenanceSettle,
    };

    /// <summary>How often a pool's backend is looked at.</summary>
    public static DurationSetting InventoryInterval { get; } = new()
    {
        Name = "storage.pool.inventory.interval",
        Category = "Storage",
        Description = "Seconds from one look at what a storage pool's backend has to the next; what is missing there, and what belongs to nobody, shows so",
        Unit = TimeSpan.FromSeconds(1),
        UnitName = "seconds",
        Minimum = 10,
        Maximum = 315_360_000,
        DefaultOf = static timings => timings.InventoryInterval,
    };

    /// <summary>How often a host tries to let a guest go on that a disk keeps from running.</summary>
    public static DurationSetting PausedResumeInterval { get; } = new()
    {
        Name = "vm.paused.resume.interval",
        Category = "Advanced",
        Description = "Seconds between two attempts, at most, to resume a VM that is paused because storage has no room for what it writes, or failed; the first comes after a few seconds. 0: it stays paused until somebody resumes or reboots it. A VM that somebody suspended by hand is never resumed by itself",
        Unit = TimeSpan.FromSeconds(1),
        UnitName = "seconds",
        Maximum = 86_400,
        DefaultOf = static timings => timings.PausedResumeInterval,
    };

    /// <summary>How long events are kept.</summary>
    public static DurationSetting EventPurge { get; } = new()
    {
        Name = "event.purge.delay",
        Category = "Advanced",
        Description = "Days that an event is kept; 0 keeps all",
        Unit = TimeSpan.FromDays(1),
        UnitName = "days",
        Maximum = 36_500,
        DefaultOf = static timings => timings.KeepEvents,
    };

    /// <summary>How long alerts are kept.</summary>
    public static DurationSetting AlertPurge { get; } = new()
    {
        Name = "alert.purge.delay",
        Category = "Advanced",
        Description = "Days that an alert is kept; 0 keeps all",
        Unit = TimeSpan.FromDays(1),
        UnitName = "days",
        Maximum = 36_500,
        DefaultOf = static timings => timings.KeepAlerts,
    };

    /// <summary>How long it is kept what hosts did on storage.</summary>
    public static DurationSetting StorageHistoryPurge { get; } = new()
    {
        Name = "storage.history.purge.delay",
        Category = "Storage",
        Description = "Days that a task which hosts have ended, and an obligation which was settled, superseded or written off, are kept; 0 keeps all. Orphaned obligations are kept until somebody writes them off",
        Unit = TimeSpan.FromDays(1),
        UnitName = "days",
        Maximum = 36_500,
        DefaultOf = static timings => timings.KeepStorageHistory,
    };

    /// <summary>How much more a pool may promise than it has.</summary>
    public static FactorSetting StorageOverprovisioning { get; } = new()
    {
        Name = "storage.overprovisioning.factor",
        Category = "Storage",
        Description = "How many times its own size a storage pool may promise to volumes and templates, which are thin; whatever grows is measured by it, and listStoragePools shows it",
        UnitName = "times",
        Minimum = 0.1m,
        Maximum = 1000m,
        DefaultValue = StorageRule.Default.Overprovisioning,
    };

    /// <summary>How full a pool may be.</summary>
    public static FactorSetting StorageFullShare { get; } = new()
    {
        Name = "pool.storage.capacity.disablethreshold",
        Category = "Storage",
        Description = "The share of a storage pool that may really be used before it takes nothing more: no new volume, no resize, no template",
        UnitName = "a share of 1",
        Minimum = 0.01m,
        Maximum = 1m,
        DefaultValue = StorageRule.Default.FullShare,
    };

    /// <summary>What the names of libvirt domains end in.</summary>
    public static WordSetting InstanceName { get; } = new()
    {
        Name = "instance.name",
        Category = "Advanced",
        Description = "What the names of VMs' libvirt domains end in, i-ACCOUNT-NUMBER-NAME; two installations whose guests are on one machine need different ones. VMs that are there keep their names",
        UnitName = "a word",
        MaximumLength = 32,
        DefaultValue = "VM",
    };

    /// <summary>How many VMs an account may have.</summary>
    public static CountSetting AccountVms { get; } = CountSetting.OfAccount("user.vms", "VMs", 20);

    /// <summary>How many volumes an account may have.</summary>
    public static CountSetting AccountVolumes { get; } = CountSetting.OfAccount("volumes", "volumes", 20);

    /// <summary>How many templates an account may have.</summary>
    public static CountSetting AccountTemplates { get; } = CountSetting.OfAccount("templates", "templates", 20);

    /// <summary>How many virtual CPUs the VMs of an account may have.</summary>
    public static CountSetting AccountCpus { get; } = CountSetting.OfAccount("cpus", "virtual CPUs", 40);

    /// <summary>How much memory the VMs of an account may have.</summary>
    public static CountSetting AccountMemory { get; } = CountSetting.OfAccount("memory", "MiB of memory", 40_960);

    /// <summary>How large the volumes of an account may be together.</summary>
    public static CountSetting AccountStorage { get; } = CountSetting.OfAccount("primary.storage", "GiB of volumes", 200);

    /// <summary>How many VMs a domain may have.</summary>
    public static CountSetting DomainVms { get; } = CountSetting.OfDomain("user.vms", "VMs", 40);

    /// <summary>How many volumes a domain may have.</summary>
    public static CountSetting DomainVolumes { get; } = CountSetting.OfDomain("volumes", "volumes", 40);

    /// <summary>How many templates a domain may have.</summary>
    public static CountSetting DomainTemplates { get; } = CountSetting.OfDomain("templates", "templates", 40);

    /// <summary>How many virtual CPUs the VMs of a domain may have.</summary>
    public static CountSetting DomainCpus { get; } = CountSetting.OfDomain("cpus", "virtual CPUs", 80);

    /// <summary>How much memory the VMs of a domain may have.</summary>
    public static CountSetting DomainMemory { get; } = CountSetting.OfDomain("memory", "MiB of memory", 81_920);

    /// <summary>How large the volumes of a domain may be together.</summary>
    public static CountSetting DomainStorage { get; } = CountSetting.OfDomain("primary.storage", "GiB of volumes", 400);

    /// <summary>How many projects an account may own.</summary>
    public static CountSetting AccountProjects { get; } = CountSetting.OfAccount("projects", "projects", 10);

    /// <summary>How many projects the accounts of a domain may own.</summary>
    public static CountSetting DomainProjects { get; } = CountSetting.OfDomain("projects", "projects", 50);

    /// <summary>How many VMs a project may have.</summary>
    public static CountSetting ProjectVms { get; } = CountSetting.OfProject("user.vms", "VMs", 20);

    /// <summary>How many volumes a project may have.</summary>
    public static CountSetting ProjectVolumes { get; } = CountSetting.OfProject("volumes", "volumes", 20);

    /// <summary>How many templates a project may have.</summary>
    public static CountSetting ProjectTemplates { get; } = CountSetting.OfProject("templates", "templates", 20);

    /// <summary>How many virtual CPUs the VMs of a project may have.</summary>
    public static CountSetting ProjectCpus { get; } = CountSetting.OfProject("cpus", "virtual CPUs", 40);

    /// <summary>How much memory the VMs of a project may have.</summary>
    public static CountSetting ProjectMemory { get; } = CountSetting.OfProject("memory", "MiB of memory", 40_960);

    /// <summary>How large the volumes of a project may be together.</summary>
    public static CountSetting ProjectStorage { get; } = CountSetting.OfProject("primary.storage", "GiB of volumes", 200);

    /// <summary>Whether users who administer nothing may make projects.</summary>
    public static FlagSetting UsersMakeProjects { get; } = new()
    {
        Name = "allow.user.create.projects",
        Category = "Project Defaults",
        Description = "Whether users who administer nothing may make projects",
        UnitName = "yes or no",
        DefaultValue = true,
    };

    /// <summary>Whether users may have a second factor, and those who have one are asked for it.</summary>
    public static FlagSetting SecondFactor { get; } = new()
    {
        Name = SecondFactors.EnabledSetting,
        Category = "Advanced",
        Description = "Whether users may set a second factor up, and logins by password ask who has one for a code. Requests that are signed with keys are not asked",
        UnitName = "yes or no",
        DefaultValue = false,
    };

    /// <summary>Whether everybody has to have one.</summary>
    public static FlagSetting SecondFactorForAll { get; } = new()
    {
        Name = SecondFactors.MandatedSetting,
        Category = "Advanced",
        Description = "Whether, with enable.user.2fa, everybody who logs in by password has to have a second factor: who has none can do nothing but set one up",
        UnitName = "yes or no",
        DefaultValue = false,
    };

    /// <summary>Whether running VMs are given another size at all.</summary>
    public static FlagSetting DynamicScaling { get; } = new()
    {
        Name = ScalingRule.SettingName,
        Category = "Advanced",
        Description = "Whether scaleVirtualMachine gives running VMs more processors and memory, where VM, template and offering allow it too; guests are started with room for that from their next start on",
        UnitName = "yes or no",
        DefaultValue = false,
    };

    /// <summary>How many processors a running VM may be given.</summary>
    public static CountSetting DynamicScalingCpus { get; } = new()
    {
        Name = "kvm.cpu.dynamic.scaling.capacity",
        Category = "Advanced",
        Description = "How many processors a guest is started with room for, where dynamic scaling is enabled for it; 0 or -1: as many as its host has. Guests know of them all, and need some memory for each",
        UnitName = "virtual CPUs",
        DefaultValue = 0,
    };

    /// <summary>How much memory a running VM may be given.</summary>
    public static CountSetting DynamicScalingMemory { get; } = new()
    {
        Name = "kvm.memory.dynamic.scaling.capacity",
        Category = "Advanced",
        Description = "How much memory in MiB a guest is started with room for, where dynamic scaling is enabled for it; 0 or -1: as much as its host has",
        UnitName = "MiB of memory",
        DefaultValue = 0,
    };

    /// <summary>Every setting there is, by name.</summary>
    public static IReadOnlyList<Setting> All { get; } =
    [
        .. new Setting[]
        {
            AlertPurge, EventPurge, ExpungeDelay, VolumeCleanupDelay, InstanceName, JobExpire, ObligationAlertAge, StorageFullShare, StorageHistoryPurge, MaintenanceSettle, StorageOverprovisioning, PoolAddTimeout, PoolAddWait,
            InventoryInterval, PausedResumeInterval,
            AccountVms, AccountVolumes, AccountTemplates, AccountCpus, AccountMemory, AccountStorage, DomainVms, DomainVolumes, DomainTemplates, DomainCpus, DomainMemory, DomainStorage,
            AccountProjects, DomainProjects, ProjectVms, ProjectVolumes, ProjectTemplates, ProjectCpus, ProjectMemory, ProjectStorage, UsersMakeProjects, SecondFactor, SecondFactorForAll,
            DynamicScaling, DynamicScalingCpus, DynamicScalingMemory,
        }.OrderBy(s => s.Name, StringComparer.Ordinal),
    ];

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>CloudStack's category.</summary>
    public required string Category { get; init; }

    /// <summary>What it does, with its unit.</summary>
    public required string Description { get; init; }

    /// <summary>The name of the unit, for error texts.</summary>
    public required string UnitName { get; init; }

    /// <summary>What it may be, for error texts.</summary>
    public abstract string Range { get; }

    /// <summary>What kind of value it is, for error texts.</summary>
    public abstract string ValueName { get; }

    /// <summary>CloudStack's word for the type of its value: Number, Boolean or String.</summary>
    public abstract string TypeName { get; }

    /// <summary>Finds a setting whatever the case of its name.</summary>
    public static Setting? Find(string name) => All.FirstOrDefault(s => s.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>A value that was sent, as it is stored and shown; null when it is none that the setting may have.</summary>
    public abstract string? Normalise(string? text);

    /// <summary>What it is while nobody has set it, as it is shown.</summary>
    public abstract string DefaultText(ReconcileTimings timings);
}

/// <summary>A length of time.</summary>
internal sealed record DurationSetting : Setting
{
    /// <summary>What one of it is.</summary>
    public required TimeSpan Unit { get; init; }

    /// <summary>The least allowed, in its unit.</summary>
    public long Minimum { get; init; }

    /// <summary>The most allowed, in its unit.</summary>
    public required long Maximum { get; init; }

    /// <summary>What it is while nobody has set it.</summary>
    public required Func<ReconcileTimings, TimeSpan> DefaultOf { get; init; }

    /// <inheritdoc/>
    public override string Range => string.Create(CultureInfo.InvariantCulture, $"from {Minimum} to {Maximum}");

    /// <inheritdoc/>
    public override string ValueName => "integer";

    /// <inheritdoc/>
    public override string TypeName => "Number";

    /// <summary>Reads a value that was sent or stored; null when it is no whole number or not in range.</summary>
    public TimeSpan? Parse(string? text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count >= Minimum && count <= Maximum ? Unit * count : null;

    /// <inheritdoc/>
    public override string? Normalise(string? text) => Parse(text) is { } value ? Format(value) : null;

    /// <inheritdoc/>
    public override string DefaultText(ReconcileTimings timings) => Format(DefaultOf(timings));

    private string Format(TimeSpan value) => ((long)(value / Unit)).ToString(CultureInfo.InvariantCulture);
}

/// <summary>A number that something is multiplied by.</summary>
internal sealed record FactorSetting : Setting
{
    /// <summary>The least allowed.</summary>
    public required decimal Minimum { get; init; }

    /// <summary>The most allowed.</summary>
    public required decimal Maximum { get; init; }

    /// <summary>What it is while nobody has set it.</summary>
    public required decimal DefaultValue { get; init; }

    /// <inheritdoc/>
    public override string Range => string.Create(CultureInfo.InvariantCulture, $"from {Minimum} to {Maximum}");

    /// <inheritdoc/>
    public override string ValueName => "decimal";

    /// <inheritdoc/>
    public override string TypeName => "Number";

    /// <summary>Reads a value that was sent or stored; null when it is no number with a point, or not in range.</summary>
    public decimal? Parse(string? text) =>
        decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value) && value >= Minimum && value <= Maximum ? value : null;

    /// <summary>What a stored text stands for: the default when there is none, or one that no command would have taken.</summary>
    public decimal Of(string? stored) => Parse(stored) ?? DefaultValue;

    /// <summary>A value as it is shown.</summary>
    public static string Format(decimal value) => value.ToString("0.####", CultureInfo.InvariantCulture);

    /// <inheritdoc/>
    public override string? Normalise(string? text) => Parse(text) is { } value ? Format(value) : null;

    /// <inheritdoc/>
    public override string DefaultText(ReconcileTimings timings) => Format(DefaultValue);
}

/// <summary>A word of ASCII letters and digits, which can be a part of a name anywhere.</summary>
internal sealed record WordSetting : Setting
{
    /// <summary>The most characters.</summary>
    public required int MaximumLength { get; init; }

    /// <summary>What it is while nobody has set it.</summary>
    public required string DefaultValue { get; init; }

    /// <inheritdoc/>
    public override string Range => string.Create(CultureInfo.InvariantCulture, $"1 to {MaximumLength} letters and digits");

    /// <inheritdoc/>
    public override string ValueName => "string";

    /// <inheritdoc/>
    public override string TypeName => "String";

    /// <summary>What a stored text stands for: the default when there is none, or one that no command would have taken.</summary>
    public string Of(string? stored) => Normalise(stored) ?? DefaultValue;

    /// <inheritdoc/>
    public override string? Normalise(string? text) => text is { Length: > 0 } && text.Length <= MaximumLength && text.All(char.IsAsciiLetterOrDigit) ? text : null;

    /// <inheritdoc/>
    public override string DefaultText(ReconcileTimings timings) => DefaultValue;
}

/// <summary>Yes or no.</summary>
internal sealed record FlagSetting : Setting
{
    /// <summary>What it is while nobody has set it.</summary>
    public required bool DefaultValue { get; init; }

    /// <inheritdoc/>
    public override string Range => "true or false";

    /// <inheritdoc/>
    public override string ValueName => "boolean";

    /// <inheritdoc/>
    public override string TypeName => "Boolean";

    /// <summary>What a stored text stands for: the default when there is none, or one that no command would have taken.</summary>
    public bool Of(string? stored) => bool.TryParse(stored, out var value) ? value : DefaultValue;

    /// <inheritdoc/>
    public override string? Normalise(string? text) => bool.TryParse(text, out var value) ? Format(value) : null;

    /// <inheritdoc/>
    public override string DefaultText(ReconcileTimings timings) => Format(DefaultValue);

    private static string Format(bool value) => value ? "true" : "false";
}

/// <summary>A number of things that somebody may have.</summary>
internal sealed record CountSetting : Setting
{
    private const long Maximum = 1L << 40;

    /// <summary>What it is while nobody has set it.</summary>
    public required long DefaultValue { get; init; }

    /// <inheritdoc/>
    public override string Range => string.Create(CultureInfo.InvariantCulture, $"from -1, which sets no limit, to {Maximum}");

    /// <inheritdoc/>
    public override string ValueName => "integer";

    /// <inheritdoc/>
    public override string TypeName => "Number";

    /// <summary>The limit of accounts that have none of their own.</summary>
    public static CountSetting OfAccount(string name, string what, long standard) =>
        Of($"max.account.{name}", "Account Defaults", $"How many {what} an account may have for which no limit was set; -1: any number. Accounts of root administrators have no limit", what, standard);

    /// <summary>The limit of domains that have none of their own.</summary>
    public static CountSetting OfDomain(string name, string what, long standard) =>
        Of($"max.domain.{name}", "Domain Defaults", $"How many {what} the accounts of a domain and all below it may have together, for which no limit was set; -1: any number. ROOT has no limit", what, standard);

    /// <summary>The limit of projects that have none of their own.</summary>
    public static CountSetting OfProject(string name, string what, long standard) =>
        Of($"max.project.{name}", "Project Defaults", $"How many {what} a project may have for which no limit was set; -1: any number", what, standard);

    /// <summary>Reads a value that was sent or stored; null when it is no whole number or not in range.</summary>
    public static long? Parse(string? text) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var count) && count is >= -1 and <= Maximum ? count : null;

    /// <summary>What a stored text stands for: the default when there is none, or one that no command would have taken.</summary>
    public long Of(string? stored) => Parse(stored) ?? DefaultValue;

    /// <inheritdoc/>
    public override string? Normalise(string? text) => Parse(text)?.ToString(CultureInfo.InvariantCulture);

    /// <inheritdoc/>
    public override string DefaultText(ReconcileTimings timings) => DefaultValue.ToString(CultureInfo.InvariantCulture);

    private static CountSetting Of(string name, string category, string description, string what, long standard) =>
        new() { Name = name, Category = category, Description = description, UnitName = what, DefaultValue = standard };
}
