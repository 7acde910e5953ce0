using System.Text.Json.Serialization;

namespace Holdfast.Core.Ids;

/// <summary>A one-time join token; not the secret itself.</summary>
/// <param name="Value">The UUID behind the id; written lower-case with hyphens on every wire.</param>
[JsonConverter(typeof(TypedIdJsonConverter<JoinTokenId>))]
public readonly record struct JoinTokenId(Guid Value) : ITypedId<JoinTokenId>
{
    /// <inheritdoc/>
    public static JoinTokenId From(Guid value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("D");
}
