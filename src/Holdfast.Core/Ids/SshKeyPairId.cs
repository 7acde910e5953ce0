using System.Text.Json.Serialization;

namespace Holdfast.Core.Ids;

/// <summary>A registered SSH key pair; only its public half is known.</summary>
/// <param name="Value">The UUID behind the id; written lower-case with hyphens on every wire.</param>
[JsonConverter(typeof(TypedIdJsonConverter<SshKeyPairId>))]
public readonly record struct SshKeyPairId(Guid Value) : ITypedId<SshKeyPairId>
{
    /// <inheritdoc/>
    public static SshKeyPairId From(Guid value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("D");
}
