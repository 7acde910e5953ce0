using System.Text.Json.Serialization;

namespace Holdfast.Core.Ids;

/// <summary>A service offering.</summary>
/// <param name="Value">The UUID behind the id; written lower-case with hyphens on every wire.</param>
[JsonConverter(typeof(TypedIdJsonConverter<ServiceOfferingId>))]
public readonly record struct ServiceOfferingId(Guid Value) : ITypedId<ServiceOfferingId>
{
    /// <inheritdoc/>
    public static ServiceOfferingId From(Guid value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("D");
}
