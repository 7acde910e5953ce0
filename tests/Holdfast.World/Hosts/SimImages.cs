using Holdfast.Agent.Ingest;
using Holdfast.Worlds.Simulation;

namespace Holdfast.Worlds.Hosts;

/// <summary>Brings and copies images that are always the same and always good.</summary>
internal sealed class SimImages(Simulator simulator) : IImageFetcher, IImageTool
{
    public async Task<FetchOutcome> FetchAsync(string url, string? checksum, Guid key, ImportProgress progress, CancellationToken cancellationToken)
    {
        await Task.Delay(simulator.Milliseconds(50, 500), simulator.Time, cancellationToken);
        return new FetchOutcome.Fetched($"/var/lib/holdfast/images/{key}");
    }

    public void Discard(Guid key)
    {
    }

    public async Task<InspectOutcome> InspectAsync(string path, string declaredFormat, CancellationToken cancellationToken)
    {
        await Task.Delay(simulator.Milliseconds(5, 20), simulator.Time, cancellationToken);
        return new InspectOutcome.Fine(1 << 26);
    }

    public async Task<CopyOutcome> CopyAsync(string source, string sourceFormat, string target, string targetFormat, CancellationToken cancellationToken)
    {
        await Task.Delay(simulator.Milliseconds(100, 900), simulator.Time, cancellationToken);
        return new CopyOutcome.Copied();
    }
}
