using System.Text.Json.Serialization;

namespace Holdfast.Core.Ids;

/// <summary>An alert.</summary>
/// <param name="Value">The UUID behind the id; written lower-case with hyphens on every wire.</param>
[JsonConverter(typeof(TypedIdJsonConverter<AlertId>))]
public readonly record struct AlertId(Guid Value) : ITypedId<AlertId>
{
    /// <inheritdoc/>
    public static AlertId From(Guid value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("D");
}
