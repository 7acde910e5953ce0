namespace Holdfast.Protocol.Host;

/// <summary>The insides of a binding.</summary>
/// <param name="PoolName">The pool's name.</param>
/// <param name="PoolId">The pool.</param>
/// <param name="Driver">The driver.</param>
/// <param name="Pid">Its process.</param>
/// <param name="Circuit">Why calls are refused; null when they are not.</param>
/// <param name="Running">Calls at the driver.</param>
/// <param name="Waiting">Calls that wait.</param>
/// <param name="Made">Calls made since the agent started, health not counted.</param>
public sealed record BindingInsides(string PoolName, Guid PoolId, string Driver, int? Pid, string? Circuit, int Running, int Waiting, long Made);
