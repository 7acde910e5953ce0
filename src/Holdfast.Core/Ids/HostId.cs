using System.Text.Json.Serialization;

namespace Holdfast.Core.Ids;

/// <summary>A KVM host. Survives re-imaging; see <see cref="IncarnationId"/>.</summary>
/// <param name="Value">The UUID behind the id; written lower-case with hyphens on every wire.</param>
[JsonConverter(typeof(TypedIdJsonConverter<HostId>))]
public readonly record struct HostId(Guid Value) : ITypedId<HostId>
{
    /// <inheritdoc/>
    public static HostId From(Guid value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("D");
}
