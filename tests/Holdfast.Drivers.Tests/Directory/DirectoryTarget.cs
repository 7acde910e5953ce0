using Holdfast.Core.Ids;
using Holdfast.DriverKit.Conformance;
using Holdfast.Drivers.Tests.Conformance;
using Holdfast.Protocol;
using Holdfast.Protocol.Driver;

namespace Holdfast.Drivers.Tests.Directory;

/// <summary>The directory driver on a new folder for each case.</summary>
internal sealed class DirectoryTarget(string format) : ConformanceTarget
{
    public override string Executable => DriverExecutable.Of("Holdfast.Drivers.Directory", "directory");

    // It needs none; what it is given must be let out nowhere all the same.
    public override IReadOnlyDictionary<string, Secret> Secrets => new Dictionary<string, Secret> { ["token"] = new("taint-4be1f0c2") };

    public override GuestUser? GuestUser => new(64055, 64055);

    public override Task<IReadOnlyDictionary<string, string>> NewPoolAsync(PoolId pool, string folder) =>
        Task.FromResult<IReadOnlyDictionary<string, string>>(new Dictionary<string, string>
        {
            ["path"] = Path.Combine(folder, "pool"),
            ["format"] = format,
        });
}
