using Holdfast.Core.Ids;

namespace Holdfast.Worlds.Simulation;

/// <summary>Ids in the order in which they are asked for; the prefix tells in a history who made one.</summary>
internal sealed class SeededIds(ushort maker) : IIdSource
{
    private int _last;

    public Guid Next()
    {
        var number = ++_last;
        return new Guid(number, (short)maker, 0x7000, 0x80, 0, 0, 0, 0, 0, 0, 0);
    }
}
