namespace Holdfast.Core.States;

/// <summary>Main state of a VM, as CloudStack clients know it; nothing else is ever told to them.</summary>
public enum VmState
{
    /// <summary>The guest is gone.</summary>
    Stopped,

    /// <summary>A start was accepted and is being carried out.</summary>
    Starting,

    /// <summary>The host reported the guest running.</summary>
    Running,

    /// <summary>A stop was accepted; the guest is not confirmed gone yet.</summary>
    Stopping,

    /// <summary>Marked for removal; can be recovered.</summary>
    Destroyed,

    /// <summary>Being removed; stays so while a host or a backend still owes a confirmation.</summary>
    Expunging,

    /// <summary>The first deploy failed; can only be destroyed.</summary>
    Error,
}
