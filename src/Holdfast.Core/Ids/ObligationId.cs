using System.Text.Json.Serialization;

namespace Holdfast.Core.Ids;

/// <summary>Something owed to a backend.</summary>
/// <param name="Value">The UUID behind the id; written lower-case with hyphens on every wire.</param>
[JsonConverter(typeof(TypedIdJsonConverter<ObligationId>))]
public readonly record struct ObligationId(Guid Value) : ITypedId<ObligationId>
{
    /// <inheritdoc/>
    public static ObligationId From(Guid value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("D");
}
