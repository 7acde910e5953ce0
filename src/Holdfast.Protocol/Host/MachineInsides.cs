using Holdfast.Core.Ids;

namespace Holdfast.Protocol.Host;

/// <summary>What the server wants of a machine, as the ledger has it.</summary>
/// <param name="Id">The VM.</param>
/// <param name="Name">Its name.</param>
/// <param name="Desired">What is wanted.</param>
/// <param name="Generation">Of the wish.</param>
public sealed record MachineInsides(VmId Id, string Name, Desired Desired, Generation Generation);
