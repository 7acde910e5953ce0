namespace Holdfast.Agent.Hypervisor;

/// <summary>Why a domain ended, as the hypervisor tells it.</summary>
internal enum StopReason
{
    /// <summary>Not told, or a reason of no concern here.</summary>
    Unknown,

    /// <summary>The guest powered itself off, asked or unasked.</summary>
    Shutdown,

    /// <summary>It was destroyed.</summary>
    Destroyed,

    /// <summary>The guest's kernel or its QEMU crashed.</summary>
    Crashed,

    /// <summary>The hypervisor failed to start or to keep it.</summary>
    Failed,
}
