using System.Text.Json.Serialization;

namespace Holdfast.Core.Ids;

/// <summary>One idempotent piece of storage work given to a host.</summary>
/// <param name="Value">The UUID behind the id; written lower-case with hyphens on every wire.</param>
[JsonConverter(typeof(TypedIdJsonConverter<TaskId>))]
public readonly record struct TaskId(Guid Value) : ITypedId<TaskId>
{
    /// <inheritdoc/>
    public static TaskId From(Guid value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("D");
}
