using System.Text.Json.Serialization;

namespace Holdfast.Core.Ids;

/// <summary>A cluster of hosts.</summary>
/// <param name="Value">The UUID behind the id; written lower-case with hyphens on every wire.</param>
[JsonConverter(typeof(TypedIdJsonConverter<ClusterId>))]
public readonly record struct ClusterId(Guid Value) : ITypedId<ClusterId>
{
    /// <inheritdoc/>
    public static ClusterId From(Guid value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("D");
}
