namespace Holdfast.Core.States;

/// <summary>Whether an operator lets VMs start on a host.</summary>
public enum ResourceState
{
    /// <summary>Takes VMs.</summary>
    Enabled,

    /// <summary>Takes no new VMs.</summary>
    Disabled,
}
