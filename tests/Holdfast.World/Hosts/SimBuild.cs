using System.Globalization;
using Holdfast.Agent.Bindings;

namespace Holdfast.Worlds.Hosts;

/// <summary>A build of a driver that was installed on a host.</summary>
/// <param name="Number">Which one: every installation is another.</param>
/// <param name="Flaw">What is wrong with it.</param>
internal sealed record SimBuild(int Number, BuildFlaw Flaw = BuildFlaw.None)
{
    public DriverBuild Id => new(Number.ToString("x16", CultureInfo.InvariantCulture));

    public string Version => $"1.{Number}";
}
