using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Holdfast.Protocol;

/// <summary>
/// A value that must not be seen: a token, a passphrase, a private key. It prints as <c>***</c> everywhere; only <see cref="Reveal"/> and the wire
/// formats of this project (mutual TLS to a host, standard input of a driver) carry the value.
/// </summary>
[DebuggerDisplay("***")]
[JsonConverter(typeof(SecretJsonConverter))]
public sealed class Secret : IEquatable<Secret>
{
    private readonly string _value;

    /// <summary>Wraps a value.</summary>
    /// <param name="value">The secret text.</param>
    public Secret(string value) => _value = value;

    /// <summary>The secret text, for the one call that needs it. Never log, store or format the result.</summary>
    /// <returns>The text.</returns>
    public string Reveal() => _value;

    /// <inheritdoc/>
    public bool Equals(Secret? other) => other is not null && string.Equals(_value, other._value, StringComparison.Ordinal);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Secret);

    /// <inheritdoc/>
    public override int GetHashCode() => _value.GetHashCode(StringComparison.Ordinal);

    /// <summary>Always <c>***</c>.</summary>
    /// <returns>The mask.</returns>
    public override string ToString() => "***";

    /// <summary>Carries the value on the wires named above.</summary>
    public sealed class SecretJsonConverter : JsonConverter<Secret>
    {
        /// <inheritdoc/>
        public override Secret Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            new(reader.GetString() ?? throw new JsonException("A secret is a string."));

        /// <inheritdoc/>
        public override void Write(Utf8JsonWriter writer, Secret value, JsonSerializerOptions options) => writer.WriteStringValue(value._value);
    }
}
