using System.Text.Json.Serialization;

namespace Holdfast.Core.Ids;

/// <summary>An event.</summary>
/// <param name="Value">The UUID behind the id; written lower-case with hyphens on every wire.</param>
[JsonConverter(typeof(TypedIdJsonConverter<EventId>))]
public readonly record struct EventId(Guid Value) : ITypedId<EventId>
{
    /// <inheritdoc/>
    public static EventId From(Guid value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("D");
}
