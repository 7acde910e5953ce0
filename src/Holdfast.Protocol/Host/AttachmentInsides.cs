namespace Holdfast.Protocol.Host;

/// <summary>An attachment as the ledger has it.</summary>
/// <param name="Volume">The volume.</param>
/// <param name="Owner">The VM or task.</param>
/// <param name="Mode">What for.</param>
/// <param name="PoolName">The pool's name.</param>
/// <param name="State">How sure it is.</param>
/// <param name="BackendName">Name of the object at the backend.</param>
public sealed record AttachmentInsides(Guid Volume, Guid Owner, string Mode, string PoolName, string State, string? BackendName);
