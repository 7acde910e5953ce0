namespace Holdfast.LinstorSimulation.Devices;

/// <summary>
/// Which volumes the nodes have, whatever the controller remembers of them: a satellite that is told to make one which is there already takes it as it is. Kept for the
/// life of the simulator, beyond that of a controller.
/// </summary>
internal sealed class NodeMemory
{
    // Guards _volumes.
    private readonly Lock _lock = new();
    private readonly HashSet<(string Node, string Resource, int Number)> _volumes = [];

    /// <summary>True when the volume was not there.</summary>
    public bool Make(VolumePlan plan)
    {
        lock (_lock)
        {
            return _volumes.Add(Key(plan));
        }
    }

    public void Remove(VolumePlan plan)
    {
        lock (_lock)
        {
            _volumes.Remove(Key(plan));
        }
    }

    private static (string, string, int) Key(VolumePlan plan) => (plan.Node.ToUpperInvariant(), plan.Resource.ToUpperInvariant(), plan.Number);
}
