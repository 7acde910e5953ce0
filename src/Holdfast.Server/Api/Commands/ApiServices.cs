using Holdfast.Server.Api.Authentication;
using Holdfast.Server.Operations;
using Holdfast.Server.Security;
using Holdfast.Server.Store;
using Microsoft.Extensions.DependencyInjection;

namespace Holdfast.Server.Api.Commands;

/// <summary>What handlers work with. Everything in it is safe for any number of requests at once.</summary>
internal sealed class ApiServices
{
    private readonly IServiceProvider _provider;

    /// <summary>Made once.</summary>
    public ApiServices(IServiceProvider provider, IEntityDirectory entities, Sessions sessions, Database database, SecretBox secrets, TimeProvider time)
    {
        _provider = provider;
        Entities = entities;
        Sessions = sessions;
        Database = database;
        Secrets = secrets;
        Time = time;
    }

    /// <summary>Whether ids exist for a caller.</summary>
    public IEntityDirectory Entities { get; }

    /// <summary>Login sessions.</summary>
    public Sessions Sessions { get; }

    /// <summary>The store, for reading.</summary>
    public Database Database { get; }

    /// <summary>Opens sealed secrets.</summary>
    public SecretBox Secrets { get; }

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; }

    /// <summary>Changes VMs.</summary>
    public IVirtualMachineOperations VirtualMachines => _provider.GetRequiredService<IVirtualMachineOperations>();

    /// <summary>Changes volumes.</summary>
    public IVolumeOperations Volumes => _provider.GetRequiredService<IVolumeOperations>();

    /// <summary>Changes storage pools.</summary>
    public IStoragePoolOperations StoragePools => _provider.GetRequiredService<IStoragePoolOperations>();

    /// <summary>Changes offerings.</summary>
    public IOfferingOperations Offerings => _provider.GetRequiredService<IOfferingOperations>();

    /// <summary>Changes templates.</summary>
    public ITemplateOperations Templates => _provider.GetRequiredService<ITemplateOperations>();

    /// <summary>Changes users.</summary>
    public IUserOperations Users => _provider.GetRequiredService<IUserOperations>();

    /// <summary>Changes hosts.</summary>
    public IHostOperations Hosts => _provider.GetRequiredService<IHostOperations>();

    /// <summary>Changes obligations.</summary>
    public IObligationOperations Obligations => _provider.GetRequiredService<IObligationOperations>();
}
