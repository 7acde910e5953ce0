using Holdfast.Agent.GuestDrives;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;
using Holdfast.Worlds.Simulation;

namespace Holdfast.Worlds.Hosts;

/// <summary>Makes configuration drives that are always good. They outlive agents.</summary>
/// <param name="simulator">The clock and the chances.</param>
/// <param name="machines">Whose drives are on the host.</param>
internal sealed class SimGuestDrives(Simulator simulator, SortedSet<Guid> machines) : IGuestDrives
{
    public async Task<DriveOutcome> MakeAsync(VmId machine, IReadOnlyList<DriveFile> files, GuestUser? reader, CancellationToken cancellationToken)
    {
        await Task.Delay(simulator.Milliseconds(20, 200), simulator.Time, cancellationToken);
        machines.Add(machine.Value);
        return new DriveOutcome.Made($"/run/holdfast/{machine}.iso");
    }

    public Task RemoveAsync(VmId machine)
    {
        machines.Remove(machine.Value);
        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<VmId>> FindAsync() => Task.FromResult<IReadOnlyList<VmId>>([.. machines.Select(id => new VmId(id))]);
}
