using Holdfast.Core.Ids;
using Holdfast.Server.Store;

namespace Holdfast.Server.Transactions;

/// <summary>What one kind of entity does in a turn. One of each type in a turn; not safe for two threads, as little as the turn.</summary>
internal abstract class TurnPart
{
    /// <summary>Made by <see cref="Turn.Part{T}"/>.</summary>
    /// <param name="turn">The turn.</param>
    protected TurnPart(Turn turn) => Turn = turn;

    /// <summary>The turn.</summary>
    protected Turn Turn { get; }

    /// <summary>The transaction.</summary>
    protected StoreConnection Db => Turn.Db;

    /// <summary>The time of the turn; the same for all its rows.</summary>
    protected DateTimeOffset Now => Turn.Now;
}

/// <summary>How a part is made.</summary>
/// <typeparam name="TSelf">The part.</typeparam>
internal interface ITurnPart<TSelf>
    where TSelf : TurnPart, ITurnPart<TSelf>
{
    /// <summary>Makes the part of a turn.</summary>
    /// <param name="turn">The turn.</param>
    static abstract TSelf Of(Turn turn);
}

/// <summary>A settler, of whatever kind.</summary>
internal interface ISettler
{
    /// <summary>What objects of the kind are called in jobs and events; one of <see cref="ResourceTypes"/> for those that come with the server.</summary>
    string ResourceType { get; }

    /// <summary>Has an object looked at before the turn ends.</summary>
    /// <param name="id">The object.</param>
    void Mark(Guid id);
}

/// <summary>A part that looks at objects of a kind: loads the facts, asks the pure planner, carries its answer out. It marks objects of other kinds, and calls no other settler.</summary>
/// <typeparam name="TId">The type of the objects' ids.</typeparam>
internal interface ISettler<TId> : ISettler
    where TId : struct, ITypedId<TId>
{
    /// <summary>Looks at an object until nothing follows. One that is not there any more: nothing happens.</summary>
    /// <param name="id">The object.</param>
    /// <param name="cancellationToken">Ends it; nothing of the turn is kept then.</param>
    Task SettleAsync(TId id, CancellationToken cancellationToken);
}
