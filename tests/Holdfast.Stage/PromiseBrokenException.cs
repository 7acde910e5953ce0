namespace Holdfast.Staging;

/// <summary>Something that Holdfast promises did not hold.</summary>
/// <param name="message">Which promise, and what was seen instead.</param>
internal sealed class PromiseBrokenException(string message) : Exception(message);
