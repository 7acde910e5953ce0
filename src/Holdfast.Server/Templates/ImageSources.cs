namespace Holdfast.Server.Templates;

/// <summary>Where images may come from although their addresses are not public.</summary>
/// <param name="Allowed">Hosts and networks that the operator allows.</param>
internal sealed record ImageSources(IReadOnlyList<string> Allowed);
