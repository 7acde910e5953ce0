using System.Text.Json.Serialization;

namespace Holdfast.Core.Ids;

/// <summary>Registered user data.</summary>
/// <param name="Value">The UUID behind the id; written lower-case with hyphens on every wire.</param>
[JsonConverter(typeof(TypedIdJsonConverter<UserDataId>))]
public readonly record struct UserDataId(Guid Value) : ITypedId<UserDataId>
{
    /// <inheritdoc/>
    public static UserDataId From(Guid value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("D");
}
