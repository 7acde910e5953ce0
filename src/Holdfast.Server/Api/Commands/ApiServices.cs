using Holdfast.Server.Api.Authentication;
using Holdfast.Server.Operations;
using Holdfast.Server.Reconcile;
using Holdfast.Server.Security;
using Holdfast.Server.Store;

namespace Holdfast.Server.Api.Commands;

/// <summary>What handlers work with. Everything in it is safe for any number of requests at once.</summary>
internal sealed class ApiServices
{
    /// <summary>Made once.</summary>
    public ApiServices(
        IEntityDirectory entities,
        Sessions sessions,
        PasswordDesk passwords,
        Database database,
        TimeProvider time,
        SecretBox secrets,
        IVirtualMachineOperations virtualMachines,
        IVolumeOperations volumes,
        IStoragePoolOperations storagePools,
        IOfferingOperations offerings,
        ITemplateOperations templates,
        IUserOperations users,
        IHostOperations hosts,
        IObligationOperations obligations,
        IInventoryOperations inventory,
        IConfigurationOperations configuration,
        ReconcileTimings timings)
    {
        Entities = entities;
        Sessions = sessions;
        Passwords = passwords;
        Database = database;
        Time = time;
        Secrets = secrets;
        VirtualMachines = virtualMachines;
        Volumes = volumes;
        StoragePools = storagePools;
        Offerings = offerings;
        Templates = templates;
        Users = users;
        Hosts = hosts;
        Obligations = obligations;
        Inventory = inventory;
        Configuration = configuration;
        Timings = timings;
    }

    /// <summary>Whether ids exist for a caller.</summary>
    public IEntityDirectory Entities { get; }

    /// <summary>Login sessions.</summary>
    public Sessions Sessions { get; }

    /// <summary>Checks and hashes passwords.</summary>
    public PasswordDesk Passwords { get; }

    /// <summary>The store, for reading.</summary>
    public Database Database { get; }

    /// <summary>The clock, for ages.</summary>
    public TimeProvider Time { get; }

    /// <summary>Opens sealed secrets.</summary>
    public SecretBox Secrets { get; }

    /// <summary>Changes VMs.</summary>
    public IVirtualMachineOperations VirtualMachines { get; }

    /// <summary>Changes volumes.</summary>
    public IVolumeOperations Volumes { get; }

    /// <summary>Changes storage pools.</summary>
    public IStoragePoolOperations StoragePools { get; }

    /// <summary>Changes offerings.</summary>
    public IOfferingOperations Offerings { get; }

    /// <summary>Changes templates.</summary>
    public ITemplateOperations Templates { get; }

    /// <summary>Changes users.</summary>
    public IUserOperations Users { get; }

    /// <summary>Changes hosts.</summary>
    public IHostOperations Hosts { get; }

    /// <summary>Changes obligations.</summary>
    public IObligationOperations Obligations { get; }

    /// <summary>Has backends looked at.</summary>
    public IInventoryOperations Inventory { get; }

    /// <summary>Changes settings.</summary>
    public IConfigurationOperations Configuration { get; }

    /// <summary>Defaults of settings.</summary>
    public ReconcileTimings Timings { get; }
}
