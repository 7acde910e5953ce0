namespace Holdfast.Server.Transactions;

/// <summary>A part that every turn has. What it can do, it says by the interfaces that it implements.</summary>
internal abstract class TurnPartType
{
    /// <summary>Whether the part plays a role.</summary>
    /// <typeparam name="TRole">The role.</typeparam>
    public abstract bool Plays<TRole>();

    /// <summary>The part of a turn.</summary>
    /// <param name="turn">The turn.</param>
    public abstract TurnPart Of(Turn turn);

    /// <summary>Names a part.</summary>
    /// <typeparam name="T">The part.</typeparam>
    public static TurnPartType For<T>()
        where T : TurnPart, ITurnPart<T> => new Type<T>();

    private sealed class Type<T> : TurnPartType
        where T : TurnPart, ITurnPart<T>
    {
        public override bool Plays<TRole>() => typeof(TRole).IsAssignableFrom(typeof(T));

        public override TurnPart Of(Turn turn) => turn.Part<T>();
    }
}

/// <summary>The parts that play roles in every turn: settlers, observers, followers. Immutable; the order of registration is the order in which they are asked.</summary>
internal sealed class TurnParts
{
    private readonly TurnPartType[] _types;

    /// <summary>Made once per node.</summary>
    /// <param name="types">The parts.</param>
    public TurnParts(IEnumerable<TurnPartType> types) => _types = [.. types];

    /// <summary>Those of a turn that play a role.</summary>
    /// <param name="turn">The turn.</param>
    /// <typeparam name="TRole">The role.</typeparam>
    public IEnumerable<TRole> Of<TRole>(Turn turn)
        where TRole : class => _types.Where(type => type.Plays<TRole>()).Select(type => (TRole)(object)type.Of(turn));
}
