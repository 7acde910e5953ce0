using System.Text.Json.Serialization;

namespace Holdfast.Core.Ids;

/// <summary>A pair of keys with which a user signs requests.</summary>
/// <param name="Value">The UUID behind the id; written lower-case with hyphens on every wire.</param>
[JsonConverter(typeof(TypedIdJsonConverter<UserKeyId>))]
public readonly record struct UserKeyId(Guid Value) : ITypedId<UserKeyId>
{
    /// <inheritdoc/>
    public static UserKeyId From(Guid value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("D");
}
