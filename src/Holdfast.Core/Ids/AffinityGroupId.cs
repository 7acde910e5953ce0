using System.Text.Json.Serialization;

namespace Holdfast.Core.Ids;

/// <summary>A group of VMs that want to be on the same host, or on different ones.</summary>
/// <param name="Value">The UUID behind the id; written lower-case with hyphens on every wire.</param>
[JsonConverter(typeof(TypedIdJsonConverter<AffinityGroupId>))]
public readonly record struct AffinityGroupId(Guid Value) : ITypedId<AffinityGroupId>
{
    /// <inheritdoc/>
    public static AffinityGroupId From(Guid value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("D");
}
