using Holdfast.Protocol.Driver;

namespace Holdfast.DriverKit;

/// <summary>How a driver call ended. A closed hierarchy: <see cref="Ok"/> or <see cref="Failed"/>. Both convert implicitly from their content.</summary>
/// <typeparam name="T">The value of a call that worked.</typeparam>
public abstract record DriverResult<T>
{
    private protected DriverResult()
    {
    }

    /// <summary>The call worked.</summary>
    /// <param name="value">The value.</param>
    public static implicit operator DriverResult<T>(T value) => new Ok(value);

    /// <summary>The call failed.</summary>
    /// <param name="error">Why.</param>
    public static implicit operator DriverResult<T>(DriverError error) => new Failed(error);

    /// <summary>Goes on with the value of a call that worked.</summary>
    /// <typeparam name="TNext">The next value.</typeparam>
    /// <param name="next">What to do with the value.</param>
    /// <returns>What <paramref name="next"/> answers, or this failure.</returns>
    public DriverResult<TNext> Then<TNext>(Func<T, DriverResult<TNext>> next) => this switch
    {
        Ok ok => next(ok.Value),
        Failed failed => failed.Error,
        _ => throw new InvalidOperationException("The hierarchy is closed."),
    };

    /// <summary>The call worked: done, or it was already so.</summary>
    /// <param name="Value">The value.</param>
    public sealed record Ok(T Value) : DriverResult<T>;

    /// <summary>The call failed.</summary>
    /// <param name="Error">Why; its code alone decides what the caller does next.</param>
    public sealed record Failed(DriverError Error) : DriverResult<T>;
}
