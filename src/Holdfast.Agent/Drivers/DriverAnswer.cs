using Holdfast.Protocol.Driver;

namespace Holdfast.Agent.Drivers;

/// <summary>How a call to a driver ended. A closed hierarchy.</summary>
/// <typeparam name="T">What a success carries.</typeparam>
internal abstract record DriverAnswer<T>
{
    private DriverAnswer()
    {
    }

    /// <summary>It succeeded.</summary>
    internal sealed record Ok(T Value) : DriverAnswer<T>;

    /// <summary>It failed; the code alone decides what follows.</summary>
    /// <param name="Error">How.</param>
    /// <param name="IsSilent">Whether the driver process itself said nothing in time: it may hang.</param>
    internal sealed record Failed(DriverError Error, bool IsSilent = false) : DriverAnswer<T>;
}

/// <summary>Sentences about failures.</summary>
internal static class DriverErrorText
{
    /// <summary>The sentence with the backend's own words, naming the pool.</summary>
    public static string Describe(string poolName, DriverError error)
    {
        var words = error.Backend is { Length: > 0 } backend && !error.Text.Contains(backend, StringComparison.Ordinal) ? $"{error.Text} ({backend})" : error.Text;
        return words.Contains($"'{poolName}'", StringComparison.Ordinal) ? words : $"Storage pool '{poolName}': {words}";
    }
}
