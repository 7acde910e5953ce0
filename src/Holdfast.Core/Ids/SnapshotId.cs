using System.Text.Json.Serialization;

namespace Holdfast.Core.Ids;

/// <summary>A snapshot of a volume.</summary>
/// <param name="Value">The UUID behind the id; written lower-case with hyphens on every wire.</param>
[JsonConverter(typeof(TypedIdJsonConverter<SnapshotId>))]
public readonly record struct SnapshotId(Guid Value) : ITypedId<SnapshotId>
{
    /// <inheritdoc/>
    public static SnapshotId From(Guid value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("D");
}
