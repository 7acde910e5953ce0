using Holdfast.Core.Ids;
using Holdfast.DriverKit.Conformance;
using Holdfast.Drivers.Tests.Conformance;
using Holdfast.LinstorSimulation;
using Holdfast.Protocol;
using Holdfast.Protocol.Driver;
using Xunit;

namespace Holdfast.Drivers.Tests.Linstor;

/// <summary>The LINSTOR driver's executable on a simulated cluster, one for each case.</summary>
internal sealed class LinstorTarget(bool drbd, bool shared = false, FaultRule? fault = null) : ConformanceTarget
{
    private const string Token = "taint-linstor-token";
    private LinstorSimulator? _simulator;

    /// <summary>The cluster, once a case has begun.</summary>
    public LinstorSimulator Simulator => _simulator ?? throw new InvalidOperationException("No case has begun.");

    public override bool IsShared => shared;

    public override string Executable => DriverExecutable.Of("Holdfast.Drivers.Linstor", "linstor");

    public override IReadOnlyDictionary<string, Secret> Secrets => new Dictionary<string, Secret> { ["token"] = new(Token) };

    public override GuestUser? GuestUser => new(64055, 64055);

    public override string NodeName => LinstorBench.Node;

    public override async Task<IReadOnlyDictionary<string, string>> NewPoolAsync(PoolId pool, string folder)
    {
        Assert.SkipWhen(LinstorSimulator.WhyNoLoopDevices() is not null, LinstorSimulator.WhyNoLoopDevices() ?? string.Empty);
        _simulator = await LinstorSimulator.StartAsync(new LinstorSimulatorOptions
        {
            NodeName = LinstorBench.Node,
            SimulatedNodes = drbd ? ["kvm2"] : [],
            Drbd = drbd,
            Token = Token,
            Https = true,
        });

        if (fault is not null)
        {
            await _simulator.Faults.AddAsync(fault);
        }

        // Guests come through it to their devices.
        File.SetUnixFileMode(
            _simulator.StateFolderPath,
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        return new Dictionary<string, string>
        {
            ["controllers"] = _simulator.Uri.ToString(),
            ["caCertificate"] = _simulator.CertificatePem!,
            ["resourceGroup"] = "rg",
        };
    }

    public override IReadOnlyDictionary<string, string> HostConfig => new Dictionary<string, string>
    {
        ["devicePrefix"] = Path.Combine(_simulator!.StateFolderPath, "dev"),
        ["drbdsetup"] = _simulator.DrbdSetupPath,
    };

    public override string? Skip(string name) =>
        !drbd && name.StartsWith("The target of a migration", StringComparison.Ordinal) ? "without DRBD a volume cannot be used on two nodes" : null;

    public override async ValueTask DisposeAsync()
    {
        if (_simulator is not null)
        {
            await _simulator.DisposeAsync();
        }

        await base.DisposeAsync();
    }
}
