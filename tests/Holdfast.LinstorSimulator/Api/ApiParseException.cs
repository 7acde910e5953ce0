namespace Holdfast.LinstorSimulation.Api;

/// <summary>A body or parameter that cannot be read.</summary>
internal sealed class ApiParseException(string message) : Exception(message);
