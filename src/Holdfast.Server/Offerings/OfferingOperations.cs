using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Offerings;

/// <inheritdoc/>
internal sealed class OfferingOperations : IOfferingOperations
{
    private const long Gib = 1L << 30;
    private readonly TurnFactory _turns;

    /// <summary>Made once per node.</summary>
    public OfferingOperations(TurnFactory turns) => _turns = turns;

    /// <inheritdoc/>
    public async Task<Outcome<ServiceOfferingRow>> CreateServiceOfferingAsync(Caller caller, CreateServiceOffering request, CancellationToken cancellationToken)
    {
        if (Check(request) is { } fault)
        {
            return new Outcome<ServiceOfferingRow>.Refused(fault);
        }

        return await _turns.RunAsync<Outcome<ServiceOfferingRow>>(
            async (turn, ct) =>
            {
                var row = new ServiceOfferingRow
                {
                    Id = new ServiceOfferingId(turn.NewId()),
                    Name = request.Name.Trim(),
                    DisplayText = request.DisplayText ?? request.Name.Trim(),
                    Cpus = request.Cpus ?? 0,
                    CpuMhz = request.CpuMhz ?? 0,
                    MemoryMib = request.MemoryMib ?? 0,
                    Customized = IsCustom(request),
                    MinCpus = request.MinCpus,
                    MaxCpus = request.MaxCpus,
                    MinMemoryMib = request.MinMemoryMib,
                    MaxMemoryMib = request.MaxMemoryMib,
                    StorageType = request.StorageType?.ToLowerInvariant() ?? "shared",
                    ProvisioningType = request.ProvisioningType?.ToLowerInvariant() ?? "thin",
                    StorageTags = Csv.Join(request.StorageTags),
                    HostTags = Csv.Join(request.HostTags),
                    RootDiskBytes = request.RootDiskGib * Gib,
                    OfferHa = request.OfferHa,
                    LimitCpuUse = request.LimitCpuUse,
                    IsVolatile = request.IsVolatile,
                    DynamicScaling = request.DynamicScaling,
                    CacheMode = "none",
                    Details = StoredText.Of(request.Details),
                    Created = turn.Now,
                };
                await turn.Db.InsertAsync(row, token: ct);
                await turn.TellAsync(EventTypes.ServiceOfferingCreate, EventLevel.Info, EventState.Completed, $"Service offering {row.Name} ({row.Id}) was made", caller.AccountId, caller.UserId, ResourceTypes.ServiceOffering, row.Id.Value, row.Name, null, ct);
                return new Outcome<ServiceOfferingRow>.Done(row);
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<Outcome<DiskOfferingRow>> CreateDiskOfferingAsync(Caller caller, CreateDiskOffering request, CancellationToken cancellationToken)
    {
        if (Check(request) is { } fault)
        {
            return new Outcome<DiskOfferingRow>.Refused(fault);
        }

        return await _turns.RunAsync<Outcome<DiskOfferingRow>>(
            async (turn, ct) =>
            {
                var row = new DiskOfferingRow
                {
                    Id = new DiskOfferingId(turn.NewId()),
                    Name = request.Name.Trim(),
                    DisplayText = request.DisplayText ?? request.Name.Trim(),
                    SizeBytes = (request.SizeGib ?? 0) * Gib,
                    Customized = request.Customized,
                    StorageType = request.StorageType?.ToLowerInvariant() ?? "shared",
                    ProvisioningType = request.ProvisioningType?.ToLowerInvariant() ?? "thin",
                    Tags = Csv.Join(request.Tags),
                    DisplayOffering = request.DisplayOffering,
                    CacheMode = "none",
                    Details = StoredText.Of(request.Details),
                    Created = turn.Now,
                };
                await turn.Db.InsertAsync(row, token: ct);
                await turn.TellAsync(EventTypes.DiskOfferingCreate, EventLevel.Info, EventState.Completed, $"Disk offering {row.Name} ({row.Id}) was made", caller.AccountId, caller.UserId, ResourceTypes.DiskOffering, row.Id.Value, row.Name, null, ct);
                return new Outcome<DiskOfferingRow>.Done(row);
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public Task<Outcome<ServiceOfferingRow>> UpdateServiceOfferingAsync(Caller caller, UpdateServiceOffering request, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<ServiceOfferingRow>>(
        async (turn, ct) =>
        {
            if (await turn.Db.ServiceOfferings.FirstOrDefaultAsync(o => o.Id == request.Id && o.Removed == null, ct) is not { } row)
            {
                return new Outcome<ServiceOfferingRow>.Refused(Faults.NoSuchEntity("updateServiceOffering", "id", request.Id));
            }

            if (request.Name is { } name && string.IsNullOrWhiteSpace(name))
            {
                return new Outcome<ServiceOfferingRow>.Refused(Faults.Invalid($"The name of service offering {row.Name} ({row.Id}) cannot be blank"));
            }

            var changed = row with
            {
                Name = request.Name?.Trim() ?? row.Name,
                DisplayText = request.DisplayText ?? row.DisplayText,
                StorageTags = request.StorageTags is { } storage ? Csv.Join(storage) : row.StorageTags,
                HostTags = request.HostTags is { } hosts ? Csv.Join(hosts) : row.HostTags,
            };
            await turn.Db.UpdateAsync(changed, token: ct);
            await TellAsync(turn, caller, EventTypes.ServiceOfferingEdit, $"Service offering {changed.Name} ({changed.Id}) was changed", ResourceTypes.ServiceOffering, changed.Id.Value, changed.Name, ct);
            return new Outcome<ServiceOfferingRow>.Done(changed);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<Success>> DeleteServiceOfferingAsync(Caller caller, ServiceOfferingId id, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<Success>>(
        async (turn, ct) =>
        {
            if (await turn.Db.ServiceOfferings.FirstOrDefaultAsync(o => o.Id == id && o.Removed == null, ct) is not { } row)
            {
                return new Outcome<Success>.Refused(Faults.NoSuchEntity("deleteServiceOffering", "id", id));
            }

            await turn.Db.UpdateAsync(row with { Removed = turn.Now }, token: ct);
            await TellAsync(turn, caller, EventTypes.ServiceOfferingDelete, $"Service offering {row.Name} ({row.Id}) was deleted", ResourceTypes.ServiceOffering, row.Id.Value, row.Name, ct);
            return new Outcome<Success>.Done(Success.Value);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<DiskOfferingRow>> UpdateDiskOfferingAsync(Caller caller, UpdateDiskOffering request, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<DiskOfferingRow>>(
        async (turn, ct) =>
        {
            if (await turn.Db.DiskOfferings.FirstOrDefaultAsync(o => o.Id == request.Id && o.Removed == null, ct) is not { } row)
            {
                return new Outcome<DiskOfferingRow>.Refused(Faults.NoSuchEntity("updateDiskOffering", "id", request.Id));
            }

            if (request.Name is { } name && string.IsNullOrWhiteSpace(name))
            {
                return new Outcome<DiskOfferingRow>.Refused(Faults.Invalid($"The name of disk offering {row.Name} ({row.Id}) cannot be blank"));
            }

            var changed = row with
            {
                Name = request.Name?.Trim() ?? row.Name,
                DisplayText = request.DisplayText ?? row.DisplayText,
                Tags = request.Tags is { } tags ? Csv.Join(tags) : row.Tags,
                DisplayOffering = request.DisplayOffering ?? row.DisplayOffering,
            };
            await turn.Db.UpdateAsync(changed, token: ct);
            await TellAsync(turn, caller, EventTypes.DiskOfferingEdit, $"Disk offering {changed.Name} ({changed.Id}) was changed", ResourceTypes.DiskOffering, changed.Id.Value, changed.Name, ct);
            return new Outcome<DiskOfferingRow>.Done(changed);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<Success>> DeleteDiskOfferingAsync(Caller caller, DiskOfferingId id, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<Success>>(
        async (turn, ct) =>
        {
            if (await turn.Db.DiskOfferings.FirstOrDefaultAsync(o => o.Id == id && o.Removed == null, ct) is not { } row)
            {
                return new Outcome<Success>.Refused(Faults.NoSuchEntity("deleteDiskOffering", "id", id));
            }

            await turn.Db.UpdateAsync(row with { Removed = turn.Now }, token: ct);
            await TellAsync(turn, caller, EventTypes.DiskOfferingDelete, $"Disk offering {row.Name} ({row.Id}) was deleted", ResourceTypes.DiskOffering, row.Id.Value, row.Name, ct);
            return new Outcome<Success>.Done(Success.Value);
        },
        cancellationToken);

    private static Task TellAsync(Turn turn, Caller caller, string type, string text, string resourceType, Guid id, string name, CancellationToken cancellationToken) =>
        turn.TellAsync(type, EventLevel.Info, EventState.Completed, text, caller.AccountId, caller.UserId, resourceType, id, name, null, cancellationToken);

    private static ApiFault? Check(CreateServiceOffering request) => request switch
    {
        _ when string.IsNullOrWhiteSpace(request.Name) => Faults.Invalid("Failed to create service offering because offering name has not been specified."),
        { CpuMhz: < 0 } => Faults.Invalid($"Failed to create service offering {request.Name}: specify the cpu speed value between 0 and 2147483647"),
        _ when (IsCustom(request) ? CheckCustomSize(request) : CheckFixedSize(request)) is { } fault => fault,
        _ when request.Details.Keys.FirstOrDefault(ServiceOfferingBounds.IsName) is { } bound => Faults.Invalid($"Failed to create service offering {request.Name}: {bound} is a parameter of its own, not a detail"),
        { RootDiskGib: <= 0 or > 64 * 1024 } => Faults.Invalid($"The Root disk size is of {request.RootDiskGib} GB but size must be greater than 0 and at most 65536."),
        { OfferHa: true } => Faults.Invalid("Parameter offerha is only false: no VM is restarted elsewhere by itself"),
        { LimitCpuUse: true } => Faults.Invalid("Parameter limitcpuuse is only false: CPU use is not limited to what is offered"),
        _ => CheckStorage(request.StorageType, request.ProvisioningType, request.CacheMode),
    };

    private static bool IsCustom(CreateServiceOffering request) => request.Customized ?? (request.Cpus is null && request.MemoryMib is null);

    private static ApiFault? CheckFixedSize(CreateServiceOffering request) => request switch
    {
        { Cpus: null } => Faults.Missing("createServiceOffering", "cpunumber"),
        { Cpus: < ServiceOfferingBounds.LeastCpus or > ServiceOfferingBounds.MostCpus } => OutOfRange(request, "cpunumber", ServiceOfferingBounds.LeastCpus, ServiceOfferingBounds.MostCpus),
        { MemoryMib: null } => Faults.Missing("createServiceOffering", "memory"),
        { MemoryMib: < ServiceOfferingBounds.LeastMemoryMib or > ServiceOfferingBounds.MostMemoryMib } =>
            OutOfRange(request, "memory", ServiceOfferingBounds.LeastMemoryMib, ServiceOfferingBounds.MostMemoryMib),
        _ when BoundsOf(request).FirstOrDefault(b => b.Value is not null) is { Name: { } name } =>
            Faults.Invalid($"Failed to create service offering {request.Name}: {name} is for a custom one, which is made without cpunumber and memory"),
        _ => null,
    };

    private static ApiFault? CheckCustomSize(CreateServiceOffering request)
    {
        if ((request.Cpus is not null ? "cpunumber" : request.MemoryMib is not null ? "memory" : null) is { } size)
        {
            return Faults.Invalid($"Failed to create service offering {request.Name}: a custom one leaves {size} to its VMs; send it without, or with customized=false");
        }

        (string Name, int? Value)[] all = [.. BoundsOf(request), ("cpuspeed", request.CpuMhz)];
        if (all.All(b => b.Value is null))
        {
            return null;
        }

        if (all.FirstOrDefault(b => b.Value is null) is { Name: { } missing })
        {
            return Faults.Invalid($"Failed to create service offering {request.Name}: a custom one has all of {string.Join(", ", all.Select(b => b.Name))}, or none of them; {missing} is missing");
        }

        return request switch
        {
            { MinCpus: < ServiceOfferingBounds.LeastCpus or > ServiceOfferingBounds.MostCpus } => OutOfRange(request, "mincpunumber", ServiceOfferingBounds.LeastCpus, ServiceOfferingBounds.MostCpus),
            { MaxCpus: < ServiceOfferingBounds.LeastCpus or > ServiceOfferingBounds.MostCpus } => OutOfRange(request, "maxcpunumber", ServiceOfferingBounds.LeastCpus, ServiceOfferingBounds.MostCpus),
            { MinMemoryMib: < ServiceOfferingBounds.LeastMemoryMib or > ServiceOfferingBounds.MostMemoryMib } =>
                OutOfRange(request, "minmemory", ServiceOfferingBounds.LeastMemoryMib, ServiceOfferingBounds.MostMemoryMib),
            { MaxMemoryMib: < ServiceOfferingBounds.LeastMemoryMib or > ServiceOfferingBounds.MostMemoryMib } =>
                OutOfRange(request, "maxmemory", ServiceOfferingBounds.LeastMemoryMib, ServiceOfferingBounds.MostMemoryMib),
            _ when request.MinCpus > request.MaxCpus => Faults.Invalid($"Failed to create service offering {request.Name}: mincpunumber {request.MinCpus} is more than maxcpunumber {request.MaxCpus}"),
            _ when request.MinMemoryMib > request.MaxMemoryMib => Faults.Invalid($"Failed to create service offering {request.Name}: minmemory {request.MinMemoryMib} is more than maxmemory {request.MaxMemoryMib}"),
            _ => null,
        };
    }

    private static (string Name, int? Value)[] BoundsOf(CreateServiceOffering request) =>
    [
        (ServiceOfferingBounds.MinCpuNumber, request.MinCpus), (ServiceOfferingBounds.MaxCpuNumber, request.MaxCpus),
        (ServiceOfferingBounds.MinMemory, request.MinMemoryMib), (ServiceOfferingBounds.MaxMemory, request.MaxMemoryMib),
    ];

    private static ApiFault OutOfRange(CreateServiceOffering request, string parameter, int least, int most) =>
        Faults.Invalid($"Failed to create service offering {request.Name}: specify {parameter} between {least} and {most}");

    private static ApiFault? Check(CreateDiskOffering request) => request switch
    {
        _ when string.IsNullOrWhiteSpace(request.Name) => Faults.Invalid("Failed to create disk offering because offering name has not been specified."),
        { Customized: false, SizeGib: null } => Faults.Invalid("Disksize is required for a non-customized disk offering"),
        { Customized: true, SizeGib: not null and not 0 } => Faults.Invalid("Disksize is not allowed for a customized disk offering"),
        { Customized: false, SizeGib: <= 0 or > 64 * 1024 } => Faults.Invalid("Please specify a disk size of at least 1 Gb and at most 65536 Gb."),
        _ => CheckStorage(request.StorageType, request.ProvisioningType, request.CacheMode),
    };

    // What would be recorded and shown and not be done is refused.
    private static ApiFault? CheckStorage(string? type, string? provisioning, string? cache)
    {
        if (type is not null && !type.Equals("shared", StringComparison.OrdinalIgnoreCase))
        {
            return Faults.Invalid(type.Equals("local", StringComparison.OrdinalIgnoreCase)
                ? "Parameter storagetype is only shared: storage of one host is chosen by tags, which offering and storage pool have in common"
                : $"Invalid value for storage type {type}: it is shared");
        }

        if (provisioning is not null && !provisioning.Equals("thin", StringComparison.OrdinalIgnoreCase))
        {
            return Faults.Invalid($"Parameter provisioningtype is only thin, not {provisioning}: space is set aside as the storage pool's backend does");
        }

        return cache is not null && !cache.Equals("none", StringComparison.OrdinalIgnoreCase)
            ? Faults.Invalid($"Parameter cachemode is only none, not {cache}: hosts do not cache what guests write")
            : null;
    }
}
