using Holdfast.Core.Ids;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Offerings;

/// <summary>What a service offering is to be.</summary>
internal sealed record CreateServiceOffering
{
    public required string Name { get; init; }

    public string? DisplayText { get; init; }

    /// <summary>Whether each of its VMs is given its own size; null: when neither CPUs nor memory are sent.</summary>
    public bool? Customized { get; init; }

    public int? Cpus { get; init; }

    /// <summary>MHz.</summary>
    public int? CpuMhz { get; init; }

    public int? MemoryMib { get; init; }

    public int? MinCpus { get; init; }

    public int? MaxCpus { get; init; }

    public int? MinMemoryMib { get; init; }

    public int? MaxMemoryMib { get; init; }

    /// <summary><c>shared</c> or <c>local</c>; shared when null.</summary>
    public string? StorageType { get; init; }

    /// <summary><c>thin</c> when null.</summary>
    public string? ProvisioningType { get; init; }

    public IReadOnlyList<string> StorageTags { get; init; } = [];

    public IReadOnlyList<string> HostTags { get; init; } = [];

    /// <summary>GiB; null: the template's size.</summary>
    public long? RootDiskGib { get; init; }

    public bool OfferHa { get; init; }

    public bool LimitCpuUse { get; init; }

    public bool IsVolatile { get; init; }

    public bool DynamicScaling { get; init; } = true;

    public string? CacheMode { get; init; }

    public IReadOnlyDictionary<string, string> Details { get; init; } = new Dictionary<string, string>();
}

/// <summary>What a disk offering is to be.</summary>
internal sealed record CreateDiskOffering
{
    public required string Name { get; init; }

    public string? DisplayText { get; init; }

    /// <summary>GiB; must be there unless customized.</summary>
    public long? SizeGib { get; init; }

    public bool Customized { get; init; }

    public string? StorageType { get; init; }

    public string? ProvisioningType { get; init; }

    public IReadOnlyList<string> Tags { get; init; } = [];

    public bool DisplayOffering { get; init; } = true;

    public string? CacheMode { get; init; }

    public IReadOnlyDictionary<string, string> Details { get; init; } = new Dictionary<string, string>();
}

/// <summary>What to change of a service offering; null leaves a field.</summary>
internal sealed record UpdateServiceOffering
{
    public required ServiceOfferingId Id { get; init; }

    public string? Name { get; init; }

    public string? DisplayText { get; init; }

    /// <summary>Empty: none.</summary>
    public IReadOnlyList<string>? StorageTags { get; init; }

    /// <summary>Empty: none.</summary>
    public IReadOnlyList<string>? HostTags { get; init; }
}

/// <summary>What to change of a disk offering; null leaves a field.</summary>
internal sealed record UpdateDiskOffering
{
    public required DiskOfferingId Id { get; init; }

    public string? Name { get; init; }

    public string? DisplayText { get; init; }

    /// <summary>Empty: none.</summary>
    public IReadOnlyList<string>? Tags { get; init; }

    public bool? DisplayOffering { get; init; }
}

/// <summary>Offerings. Root administrators only; the API has checked that.</summary>
internal interface IOfferingOperations
{
    /// <summary>
    /// createServiceOffering: a fixed one, or a custom one with or without bounds. Errors: 431 for a missing or out-of-range cpunumber (1-512), cpuspeed (0 and more), memory (32 MiB and
    /// more), storagetype, rootdisksize; for a custom one that fixes a size or has some bounds only, and for a fixed one with bounds.
    /// </summary>
    Task<Outcome<ServiceOfferingRow>> CreateServiceOfferingAsync(Caller caller, CreateServiceOffering request, CancellationToken cancellationToken);

    /// <summary>updateServiceOffering; null leaves a field. Tags hold from the next start of its VMs on. Errors: 431 unknown id, an empty name.</summary>
    Task<Outcome<ServiceOfferingRow>> UpdateServiceOfferingAsync(Caller caller, UpdateServiceOffering request, CancellationToken cancellationToken);

    /// <summary>deleteServiceOffering: nothing new is made with it; VMs that have it keep it. Errors: 431 unknown id.</summary>
    Task<Outcome<Success>> DeleteServiceOfferingAsync(Caller caller, ServiceOfferingId id, CancellationToken cancellationToken);

    /// <summary>updateDiskOffering; null leaves a field. Errors: 431 unknown id, an empty name.</summary>
    Task<Outcome<DiskOfferingRow>> UpdateDiskOfferingAsync(Caller caller, UpdateDiskOffering request, CancellationToken cancellationToken);

    /// <summary>deleteDiskOffering: nothing new is made with it; volumes that have it keep it. Errors: 431 unknown id.</summary>
    Task<Outcome<Success>> DeleteDiskOfferingAsync(Caller caller, DiskOfferingId id, CancellationToken cancellationToken);

    /// <summary>createDiskOffering. Errors: 431 for a missing disksize of an offering that is not customized, for one of a customized, or one that is not positive.</summary>
    Task<Outcome<DiskOfferingRow>> CreateDiskOfferingAsync(Caller caller, CreateDiskOffering request, CancellationToken cancellationToken);
}
