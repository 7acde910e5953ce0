namespace Holdfast.Server.Api.Commands;

/// <summary>What an id parameter refers to.</summary>
internal enum EntityKind
{
    /// <summary>A zone.</summary>
    Zone,

    /// <summary>A pod.</summary>
    Pod,

    /// <summary>A cluster.</summary>
    Cluster,

    /// <summary>A host.</summary>
    Host,

    /// <summary>A storage pool.</summary>
    StoragePool,

    /// <summary>A service offering.</summary>
    ServiceOffering,

    /// <summary>A disk offering.</summary>
    DiskOffering,

    /// <summary>A guest operating system type.</summary>
    OsType,

    /// <summary>A network.</summary>
    Network,

    /// <summary>A template; others' public ones can be seen.</summary>
    Template,

    /// <summary>A template that the caller may change.</summary>
    OwnTemplate,

    /// <summary>A VM.</summary>
    VirtualMachine,

    /// <summary>A volume.</summary>
    Volume,

    /// <summary>An async job.</summary>
    Job,

    /// <summary>An event.</summary>
    Event,

    /// <summary>A domain.</summary>
    Domain,

    /// <summary>An account.</summary>
    Account,

    /// <summary>A user.</summary>
    User,

    /// <summary>An obligation.</summary>
    Obligation,
}
