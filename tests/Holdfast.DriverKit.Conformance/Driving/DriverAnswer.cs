using Holdfast.Protocol.Driver;

namespace Holdfast.DriverKit.Conformance.Driving;

/// <summary>What a driver answered.</summary>
/// <typeparam name="T">The value of success.</typeparam>
/// <param name="What">The call, for texts.</param>
/// <param name="Value">The value; null when the call failed.</param>
/// <param name="Error">The error; null when the call worked.</param>
public sealed record DriverAnswer<T>(string What, T? Value, DriverError? Error)
    where T : class
{
    /// <summary>The value of a call that must work.</summary>
    public T Ok() => Value ?? throw new ConformanceException($"{What} failed: {Error!.Code}: {Error.Text} ({Error.Backend})");

    /// <summary>The error of a call that must fail in one of some ways.</summary>
    /// <param name="codes">The ways.</param>
    public DriverError Fails(params DriverErrorCode[] codes)
    {
        if (Error is null)
        {
            throw new ConformanceException($"{What} worked, but must fail with {string.Join(" or ", codes)}");
        }

        if (!codes.Contains(Error.Code))
        {
            throw new ConformanceException($"{What} failed with {Error.Code}, not {string.Join(" or ", codes)}: {Error.Text} ({Error.Backend})");
        }

        return string.IsNullOrWhiteSpace(Error.Text) ? throw new ConformanceException($"{What} failed without a text") : Error;
    }
}
