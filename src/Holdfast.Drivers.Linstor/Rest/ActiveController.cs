namespace Holdfast.Drivers.Linstor.Rest;

/// <summary>The controller that answered last.</summary>
/// <param name="Address">Where, after a redirect.</param>
/// <param name="Version">Its REST version.</param>
/// <param name="Software">Its version, for texts.</param>
/// <param name="Complaint">What its health check says although it answers; null when it is well.</param>
internal sealed record ActiveController(ControllerAddress Address, RestVersion Version, string Software, string? Complaint);
