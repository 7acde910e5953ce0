using System.Text.Json;
using System.Text.Json.Serialization;

namespace Holdfast.Protocol;

/// <summary>Enums on our wires are kebab-case strings (<c>not-found</c>); numbers are refused.</summary>
/// <typeparam name="TEnum">The enum.</typeparam>
public sealed class WireEnum<TEnum> : JsonStringEnumConverter<TEnum>
    where TEnum : struct, Enum
{
    /// <summary>Made by the serializer.</summary>
    public WireEnum()
        : base(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false)
    {
    }
}
