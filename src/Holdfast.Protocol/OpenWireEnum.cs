using System.Text.Json;
using System.Text.Json.Serialization;

namespace Holdfast.Protocol;

/// <summary>
/// An enum that later versions extend: written as <see cref="WireEnum{TEnum}"/> writes it, and a name that this version does not know is read as the value
/// that stands for it, so that one remark of a newer peer does not cost a whole report. For values that are read by people or handled as a class; a state that
/// decides what is done next is never guessed and stays a <see cref="WireEnum{TEnum}"/>.
/// </summary>
/// <typeparam name="TEnum">The enum.</typeparam>
/// <param name="unknown">What an unknown name is read as.</param>
public abstract class OpenWireEnum<TEnum>(TEnum unknown) : JsonConverter<TEnum>
    where TEnum : struct, Enum
{
    private static readonly Dictionary<TEnum, string> Names = Enum.GetValues<TEnum>().ToDictionary(static value => value, static value => JsonNamingPolicy.KebabCaseLower.ConvertName(value.ToString()));
    private static readonly Dictionary<string, TEnum> Values = Names.ToDictionary(static pair => pair.Value, static pair => pair.Key, StringComparer.Ordinal);

    /// <inheritdoc/>
    public override TEnum Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String ? Values.GetValueOrDefault(reader.GetString()!, unknown) : throw new JsonException($"A {typeof(TEnum).Name} is a string.");

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, TEnum value, JsonSerializerOptions options) => writer.WriteStringValue(Names[value]);
}
