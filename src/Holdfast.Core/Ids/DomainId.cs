using System.Text.Json.Serialization;

namespace Holdfast.Core.Ids;

/// <summary>A CloudStack domain: a node in the tree of accounts, not a libvirt domain.</summary>
/// <param name="Value">The UUID behind the id; written lower-case with hyphens on every wire.</param>
[JsonConverter(typeof(TypedIdJsonConverter<DomainId>))]
public readonly record struct DomainId(Guid Value) : ITypedId<DomainId>
{
    /// <inheritdoc/>
    public static DomainId From(Guid value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("D");
}
