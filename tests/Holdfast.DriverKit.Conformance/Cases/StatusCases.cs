using Holdfast.Protocol.Driver;
using static Holdfast.DriverKit.Conformance.ConformanceRun;

namespace Holdfast.DriverKit.Conformance.Cases;

/// <summary>What a driver says of itself and of its backend.</summary>
internal static class StatusCases
{
    internal static IReadOnlyList<ConformanceCase> All { get; } =
    [
        new("Info is what the ready line said; only what the backend can do may have been learnt since", async run =>
            Must((await run.Client.InfoAsync()).Ok() with { Capabilities = run.Info.Capabilities } == run.Info, "info and the ready line differ")),
        new("A probe of a healthy backend says that it is up, with its capacity", async run =>
        {
            var status = (await run.Client.ProbeAsync()).Ok();
            Must(status.ControlPlane == PlaneHealth.Up, $"the control plane is {status.ControlPlane}: {status.Error?.Text}");
            Must(status.Capacity is { TotalBytes: > 0 } capacity && capacity.UsedBytes >= 0 && capacity.UsedBytes <= capacity.TotalBytes, $"the capacity is {status.Capacity}");
        }),
        new("Status tells what the last probe learnt", async run =>
        {
            var probed = (await run.Client.ProbeAsync()).Ok();
            var status = (await run.Client.StatusAsync()).Ok();
            Must(status.ControlPlane == probed.ControlPlane && status.AsOf >= probed.AsOf, "status is older than the probe");
        }),
        new("Status is answered at once after the start", async run => (await run.Client.StatusAsync()).Ok()),
        new("Probes at the same time are all answered", async run =>
        {
            var probes = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => run.Client.ProbeAsync()));
            Must(probes.All(static probe => probe.Ok().ControlPlane == PlaneHealth.Up), "one of them says that the backend is not up");
        }),
        new("The log of calls counts what was asked", async run =>
        {
            var before = (await run.Client.CallsAsync()).Ok().Calls;
            var volume = await run.VolumeAsync();
            (await run.Client.GetAsync(volume)).Ok();
            (await run.Client.GetAsync(volume)).Ok();
            (await run.Client.DeleteAsync(volume, 1)).Ok();
            var after = (await run.Client.CallsAsync()).Ok().Calls;
            Must(Grown("PUT /v1/volumes/*") == 1, "an ensure is not counted as 'PUT /v1/volumes/*'");
            Must(Grown("GET /v1/volumes/*") == 2, "two reads are not counted as 'GET /v1/volumes/*'");
            Must(Grown("DELETE /v1/volumes/*") == 1, "a delete is not counted as 'DELETE /v1/volumes/*'");
            Must(Grown("GET /v1/calls") == 1, "reading the log is not counted as 'GET /v1/calls'");

            long Grown(string name) => after.GetValueOrDefault(name) - before.GetValueOrDefault(name);
        }),
        new("Info, status and the log of calls ask the backend nothing", async run =>
        {
            (await run.Client.ProbeAsync()).Ok();
            var before = (await run.Client.CallsAsync()).Ok().BackendCalls;
            for (var round = 0; round < 5; round++)
            {
                (await run.Client.InfoAsync()).Ok();
                (await run.Client.StatusAsync()).Ok();
            }

            var after = (await run.Client.CallsAsync()).Ok().BackendCalls;
            Must(
                after.Values.Sum() - before.Values.Sum() <= 0 || ProbesOnly(before, after),
                $"the backend was asked: {string.Join(", ", after.Select(pair => $"{pair.Key}={pair.Value}"))}");
        }),
        new("Volume calls are seen in the count of backend calls", async run =>
        {
            (await run.Client.ProbeAsync()).Ok();
            var before = (await run.Client.CallsAsync()).Ok().BackendCalls.Values.Sum();
            await run.VolumeAsync();
            Must((await run.Client.CallsAsync()).Ok().BackendCalls.Values.Sum() > before, "making a volume asked the backend nothing, it says");
        }),
    ];

    /// <summary>A background probe may fall in between; it asks no more than a probe does.</summary>
    private static bool ProbesOnly(IReadOnlyDictionary<string, long> before, IReadOnlyDictionary<string, long> after) =>
        after.All(pair => before.TryGetValue(pair.Key, out var was) && pair.Value <= was * 2);
}
