namespace Holdfast.Core.Ids;

/// <summary>An id of its own type, so that the id of a volume cannot be passed where the id of a pool is meant.</summary>
/// <typeparam name="TSelf">The id type itself.</typeparam>
public interface ITypedId<TSelf>
    where TSelf : struct, ITypedId<TSelf>
{
    /// <summary>The UUID behind the id.</summary>
    Guid Value { get; }

    /// <summary>Wraps a UUID.</summary>
    /// <param name="value">The UUID.</param>
    /// <returns>The id.</returns>
    static abstract TSelf From(Guid value);
}
