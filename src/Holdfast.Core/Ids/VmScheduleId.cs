using System.Text.Json.Serialization;

namespace Holdfast.Core.Ids;

/// <summary>A schedule by which something is done to a VM.</summary>
/// <param name="Value">The UUID behind the id; written lower-case with hyphens on every wire.</param>
[JsonConverter(typeof(TypedIdJsonConverter<VmScheduleId>))]
public readonly record struct VmScheduleId(Guid Value) : ITypedId<VmScheduleId>
{
    /// <inheritdoc/>
    public static VmScheduleId From(Guid value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("D");
}
