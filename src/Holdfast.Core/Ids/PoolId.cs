using System.Text.Json.Serialization;

namespace Holdfast.Core.Ids;

/// <summary>A storage pool (CloudStack's primary storage).</summary>
/// <param name="Value">The UUID behind the id; written lower-case with hyphens on every wire.</param>
[JsonConverter(typeof(TypedIdJsonConverter<PoolId>))]
public readonly record struct PoolId(Guid Value) : ITypedId<PoolId>
{
    /// <inheritdoc/>
    public static PoolId From(Guid value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("D");
}
