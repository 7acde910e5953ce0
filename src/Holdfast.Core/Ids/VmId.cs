using System.Text.Json.Serialization;

namespace Holdfast.Core.Ids;

/// <summary>A virtual machine; also the UUID of its libvirt domain.</summary>
/// <param name="Value">The UUID behind the id; written lower-case with hyphens on every wire.</param>
[JsonConverter(typeof(TypedIdJsonConverter<VmId>))]
public readonly record struct VmId(Guid Value) : ITypedId<VmId>
{
    /// <inheritdoc/>
    public static VmId From(Guid value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("D");
}
