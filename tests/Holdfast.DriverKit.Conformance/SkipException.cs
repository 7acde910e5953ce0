namespace Holdfast.DriverKit.Conformance;

/// <summary>A case does not apply to this driver, backend or machine.</summary>
public sealed class SkipException : Exception
{
    public SkipException(string reason)
        : base(reason)
    {
    }
}
