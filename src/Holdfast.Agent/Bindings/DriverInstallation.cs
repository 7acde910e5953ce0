namespace Holdfast.Agent.Bindings;

/// <summary>What is installed of a driver on this host.</summary>
/// <param name="Path">Where its executable is looked for.</param>
/// <param name="Build">What is there; null when there is nothing or nothing that can be used.</param>
/// <param name="Wrong">Why what is there cannot be used; null when there is nothing wrong, or nothing there.</param>
internal sealed record DriverInstallation(string Path, DriverBuild? Build, string? Wrong = null);
