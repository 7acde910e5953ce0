using System.Text.Json.Serialization;

namespace Holdfast.Core.Ids;

/// <summary>A pod.</summary>
/// <param name="Value">The UUID behind the id; written lower-case with hyphens on every wire.</param>
[JsonConverter(typeof(TypedIdJsonConverter<PodId>))]
public readonly record struct PodId(Guid Value) : ITypedId<PodId>
{
    /// <inheritdoc/>
    public static PodId From(Guid value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("D");
}
