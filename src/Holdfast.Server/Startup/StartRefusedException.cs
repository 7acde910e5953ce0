namespace Holdfast.Server.Startup;

/// <summary>The server does not start, for a reason that an operator can remove. Its text is all that the operator needs.</summary>
internal sealed class StartRefusedException : Exception
{
    /// <summary>Says why.</summary>
    public StartRefusedException(string message)
        : base(message)
    {
    }
}
