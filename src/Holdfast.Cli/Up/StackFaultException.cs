namespace Holdfast.Cli.Up;

/// <summary>The installation on this machine could not be brought up, or one of its programs ended.</summary>
/// <param name="message">What happened, with the last lines of the program that matters.</param>
internal sealed class StackFaultException(string message) : Exception(message);
