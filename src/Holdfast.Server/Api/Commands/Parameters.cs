using System.Globalization;
using Holdfast.Core.Ids;
using Holdfast.Server.Api.Transport;

namespace Holdfast.Server.Api.Commands;

/// <summary>Makes the parameters of the command table.</summary>
internal static class Parameters
{
    /// <summary>What clients send for "no such entity" in a list filter.</summary>
    public const string NoSuchEntity = "-1";

    /// <summary>The id of an entity.</summary>
    public static ValueParameter<TId> Id<TId>(
        string name, string description, bool required = false, bool minusOne = false, string? noEffect = null, bool toChange = false)
        where TId : struct, ITypedId<TId> =>
        new(name, "uuid", description, "a UUID", ParseId<TId>, id => id.Value)
        {
            Entity = new EntityReference(typeof(TId), toChange),
            IsRequired = required,
            AcceptsMinusOne = minusOne,
            NoEffect = noEffect,
        };

    /// <summary>The ids of entities.</summary>
    public static ListParameter<TId> Ids<TId>(string name, string description, bool required = false, bool minusOne = false, bool clearable = false)
        where TId : struct, ITypedId<TId> =>
        new(name, description, text => ParseId<TId>(text) is { } id ? (true, id) : (false, default), id => id.Value)
        {
            Entity = new EntityReference(typeof(TId), IsToChange: false),
            IsRequired = required,
            AcceptsMinusOne = minusOne,
            IsClearable = clearable,
        };

    /// <summary>A UUID of any kind of entity.</summary>
    public static ValueParameter<Guid> AnyId(string name, string description, bool required = false) =>
        new(name, "uuid", description, "a UUID", text => ParseGuid(text), id => id) { IsRequired = required };

    /// <summary>A text.</summary>
    public static TextParameter Text(
        string name,
        string description,
        bool required = false,
        int length = ApiParameter.DefaultLength,
        bool multiLine = false,
        bool secret = false,
        bool clearable = false,
        string? noEffect = null) =>
        new(name, description) { IsRequired = required, Length = length, IsMultiLine = multiLine, IsSecret = secret, IsClearable = clearable, NoEffect = noEffect };

    /// <summary>A list of texts.</summary>
    public static ListParameter<string> Texts(string name, string description, bool required = false, bool clearable = false, string? noEffect = null) =>
        new(name, description, text => (true, text), null) { IsRequired = required, IsClearable = clearable, NoEffect = noEffect };

    /// <summary>A boolean.</summary>
    public static ValueParameter<bool> Bool(string name, string description, string? noEffect = null) =>
        new(name, "boolean", description, "true or false", text => bool.TryParse(text, out var value) ? value : null) { NoEffect = noEffect };

    /// <summary>A 32-bit number.</summary>
    public static ValueParameter<int> Int(string name, string description, bool required = false) =>
        new(name, "integer", description, "an integer", text => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value : null)
        {
            IsRequired = required,
        };

    /// <summary>A 64-bit number.</summary>
    public static ValueParameter<long> Long(string name, string description, bool required = false) =>
        new(name, "long", description, "a whole number", text => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value : null)
        {
            IsRequired = required,
        };

    /// <summary>A date.</summary>
    public static ValueParameter<DateTimeOffset> Date(string name, string description) =>
        new(name, "date", description, "a date (yyyy-MM-dd, yyyy-MM-dd HH:mm:ss, or ISO 8601)", text => ApiDate.TryParse(text, out var value) ? value : null);

    /// <summary>A map.</summary>
    public static MapParameter Map(string name, string description, bool required = false, bool rows = false) =>
        new(name, description) { IsRequired = required, Length = 4096, IsMultiLine = true, HasRows = rows };

    private static TId? ParseId<TId>(string text)
        where TId : struct, ITypedId<TId> =>
        ParseGuid(text) is { } value ? TId.From(value) : null;

    // Nothing has the empty UUID, so that "no such entity" finds nothing without a case of its own.
    private static Guid? ParseGuid(string text) =>
        text == NoSuchEntity ? Guid.Empty : Guid.TryParseExact(text, "D", out var value) && value != Guid.Empty ? value : null;
}
