using System.Text.Json.Serialization;

namespace Holdfast.Core.Ids;

/// <summary>An asynchronous job.</summary>
/// <param name="Value">The UUID behind the id; written lower-case with hyphens on every wire.</param>
[JsonConverter(typeof(TypedIdJsonConverter<JobId>))]
public readonly record struct JobId(Guid Value) : ITypedId<JobId>
{
    /// <inheritdoc/>
    public static JobId From(Guid value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("D");
}
