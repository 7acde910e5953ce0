using System.Text.Json;
using System.Text.Json.Serialization;

namespace Holdfast.Core.Ids;

/// <summary>
/// Grows with each change of the desired state of one object. Whoever holds a generation refuses an older one, and the same one with other content.
/// </summary>
/// <param name="Value">The number; the first generation of an object is 1, 0 means "none seen".</param>
[JsonConverter(typeof(GenerationJsonConverter))]
public readonly record struct Generation(long Value) : IComparable<Generation>
{
    /// <summary>No generation seen yet.</summary>
    public static Generation None => default;

    /// <summary>The generation of a new object.</summary>
    public static Generation First => new(1);

    /// <summary>The generation after this one.</summary>
    public Generation Next => new(Value + 1);

    /// <inheritdoc/>
    public int CompareTo(Generation other) => Value.CompareTo(other.Value);

    /// <summary>Whether <paramref name="left"/> is older.</summary>
    public static bool operator <(Generation left, Generation right) => left.Value < right.Value;

    /// <summary>Whether <paramref name="left"/> is newer.</summary>
    public static bool operator >(Generation left, Generation right) => left.Value > right.Value;

    /// <summary>Whether <paramref name="left"/> is older or the same.</summary>
    public static bool operator <=(Generation left, Generation right) => left.Value <= right.Value;

    /// <summary>Whether <paramref name="left"/> is newer or the same.</summary>
    public static bool operator >=(Generation left, Generation right) => left.Value >= right.Value;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString();

    /// <summary>Writes a generation as its number.</summary>
    public sealed class GenerationJsonConverter : JsonConverter<Generation>
    {
        /// <inheritdoc/>
        public override Generation Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => new(reader.GetInt64());

        /// <inheritdoc/>
        public override void Write(Utf8JsonWriter writer, Generation value, JsonSerializerOptions options) => writer.WriteNumberValue(value.Value);
    }
}
