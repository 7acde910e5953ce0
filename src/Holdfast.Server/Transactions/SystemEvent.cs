using Holdfast.Core.States;

namespace Holdfast.Server.Transactions;

/// <summary>An event of the installation itself, still to be written.</summary>
/// <param name="Type">Its type.</param>
/// <param name="Level">How bad it is.</param>
/// <param name="Description">A sentence for people.</param>
/// <param name="ResourceType">The type of the object it is about.</param>
/// <param name="ResourceId">The id of that object.</param>
/// <param name="ResourceName">The name of that object.</param>
internal sealed record SystemEvent(string Type, EventLevel Level, string Description, string? ResourceType, Guid? ResourceId, string? ResourceName);
