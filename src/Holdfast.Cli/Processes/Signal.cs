namespace Holdfast.Cli.Processes;

/// <summary>Signals, by their numbers on Linux.</summary>
internal enum Signal
{
    /// <summary>As Ctrl-C sends it.</summary>
    Interrupt = 2,

    /// <summary>Ends at once, cannot be caught.</summary>
    Kill = 9,

    /// <summary>Asks to end.</summary>
    Terminate = 15,

    /// <summary>Goes on after <see cref="Stop"/>.</summary>
    Continue = 18,

    /// <summary>Freezes, cannot be caught.</summary>
    Stop = 19,
}
