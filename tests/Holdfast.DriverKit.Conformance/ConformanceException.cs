namespace Holdfast.DriverKit.Conformance;

/// <summary>A driver does not do what the protocol says.</summary>
public sealed class ConformanceException : Exception
{
    public ConformanceException(string message)
        : base(message)
    {
    }
}
