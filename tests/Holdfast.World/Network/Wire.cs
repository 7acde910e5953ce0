using Holdfast.Worlds.Simulation;

namespace Holdfast.Worlds.Network;

/// <summary>
/// The network between a host and the server: two directions, each in order. While one is cut (F18) its messages wait, as TCP's do: they arrive when it heals, however
/// late, and whoever sent them may have given up long before.
/// </summary>
internal sealed class Wire(Simulator simulator)
{
    private readonly Direction _up = new(simulator);
    private readonly Direction _down = new(simulator);

    /// <summary>What the host sends does not arrive.</summary>
    public bool IsCutUp { get => _up.IsCut; set => _up.Cut(value); }

    /// <summary>What the server sends does not arrive.</summary>
    public bool IsCutDown { get => _down.IsCut; set => _down.Cut(value); }

    /// <summary>From the host to the server.</summary>
    public void Up(Action arrive) => _up.Send(arrive);

    /// <summary>From the server to the host.</summary>
    public void Down(Action arrive) => _down.Send(arrive);

    private sealed class Direction(Simulator simulator)
    {
        private readonly Queue<Action> _waiting = [];
        private TimeSpan _last;

        public bool IsCut { get; private set; }

        public void Cut(bool isCut)
        {
            IsCut = isCut;
            while (!isCut && _waiting.TryDequeue(out var arrive))
            {
                Send(arrive);
            }
        }

        public void Send(Action arrive)
        {
            var at = simulator.Now + simulator.Milliseconds(0.2, 5);
            _last = at > _last ? at : _last;
            simulator.After(_last - simulator.Now, () =>
            {
                if (IsCut)
                {
                    _waiting.Enqueue(arrive);
                }
                else
                {
                    arrive();
                }
            });
        }
    }
}
