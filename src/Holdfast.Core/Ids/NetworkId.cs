using System.Text.Json.Serialization;

namespace Holdfast.Core.Ids;

/// <summary>A network.</summary>
/// <param name="Value">The UUID behind the id; written lower-case with hyphens on every wire.</param>
[JsonConverter(typeof(TypedIdJsonConverter<NetworkId>))]
public readonly record struct NetworkId(Guid Value) : ITypedId<NetworkId>
{
    /// <inheritdoc/>
    public static NetworkId From(Guid value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("D");
}
