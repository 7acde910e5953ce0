namespace Holdfast.Server.Reports;

/// <summary>More of what a host says could not be taken than is kept.</summary>
internal sealed class SetAsideFullException : Exception
{
    /// <summary>Makes one.</summary>
    public SetAsideFullException(string message)
        : base(message)
    {
    }
}
