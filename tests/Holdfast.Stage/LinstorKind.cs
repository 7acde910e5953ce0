namespace Holdfast.Staging;

/// <summary>What kind of LINSTOR cluster stands behind a pool.</summary>
internal enum LinstorKind
{
    /// <summary>DRBD over storage, the data on another node: a VM's disk is a diskless resource on this host while it runs.</summary>
    Drbd,

    /// <summary>Storage only, the data on this host.</summary>
    StorageOnly,
}
