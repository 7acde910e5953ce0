using System.Text.Json.Serialization;

namespace Holdfast.Core.Ids;

/// <summary>A group of VMs of an account.</summary>
/// <param name="Value">The UUID behind the id; written lower-case with hyphens on every wire.</param>
[JsonConverter(typeof(TypedIdJsonConverter<InstanceGroupId>))]
public readonly record struct InstanceGroupId(Guid Value) : ITypedId<InstanceGroupId>
{
    /// <inheritdoc/>
    public static InstanceGroupId From(Guid value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("D");
}
