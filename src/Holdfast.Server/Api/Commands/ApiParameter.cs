using Holdfast.Server.Api.Transport;

namespace Holdfast.Server.Api.Commands;

/// <summary>A parameter of a command, as data.</summary>
internal abstract class ApiParameter
{
    /// <summary>The longest text of a parameter that does not say otherwise.</summary>
    public const int DefaultLength = 255;

    private protected ApiParameter(string name, string type, string description)
    {
        Name = name;
        Type = type;
        Description = description;
    }

    /// <summary>Its name, lower case.</summary>
    public string Name { get; }

    /// <summary>Its type as <c>listApis</c> names it.</summary>
    public string Type { get; }

    /// <summary>What it means, in a sentence without a full stop.</summary>
    public string Description { get; }

    /// <summary>Whether a request without it is refused.</summary>
    public bool IsRequired { get; init; }

    /// <summary>The longest text.</summary>
    public int Length { get; init; } = DefaultLength;

    /// <summary>Whether the text may hold line breaks.</summary>
    public bool IsMultiLine { get; init; }

    /// <summary>The product version that brought it; null for the command's own.</summary>
    public string? Since { get; init; }

    /// <summary>What its ids refer to; null when it holds none.</summary>
    public EntityReference? Entity { get; init; }

    /// <summary>Whether -1 means something other than an entity that does not exist.</summary>
    public bool AcceptsMinusOne { get; init; }

    /// <summary>Whether an empty text is a value: it clears what was set before. Elsewhere it counts as not sent, as clients mean it that send every field they have.</summary>
    public bool IsClearable { get; init; }

    /// <summary>Why it is taken and changes nothing; null when it does something.</summary>
    public string? NoEffect { get; init; }

    /// <summary>Whether its value must never be seen again.</summary>
    public bool IsSecret { get; init; }

    /// <summary>Reads the value from a request.</summary>
    /// <param name="command">The command, for error texts.</param>
    /// <param name="parameters">The request.</param>
    /// <returns>The value, null when it was not sent, or why it cannot be read.</returns>
    public abstract Bound Bind(string command, RequestParameters parameters);

    /// <summary>The ids in a value that <see cref="Bind"/> made.</summary>
    public virtual IReadOnlyCollection<Guid> Ids(object value) => [];

    /// <summary>Checks what holds for every single text.</summary>
    private protected ApiError? CheckText(string command, string text)
    {
        if (text.Length > Length)
        {
            return ApiError.Invalid(command, $"Value greater than max allowed length {Length} for param: {Name}");
        }

        return !IsMultiLine && text.AsSpan().IndexOfAny('\n', '\r', '\t') >= 0
            ? new ApiError(431, ApiErrorCodes.Generic, $"Received value containing illegal ASCII non-printable characters for parameter {Name}")
            : null;
    }

    /// <summary>The outcome of reading a value: a value, nothing, or an error.</summary>
    /// <param name="Value">The value; null when it was not sent.</param>
    /// <param name="Error">Why it cannot be read.</param>
    internal readonly record struct Bound(object? Value, ApiError? Error);
}

/// <summary>A parameter whose value is a value type.</summary>
/// <typeparam name="T">The value's type.</typeparam>
internal sealed class ValueParameter<T> : ApiParameter
    where T : struct
{
    private readonly Func<string, T?> _parse;
    private readonly Func<T, Guid>? _toId;
    private readonly string _what;

    internal ValueParameter(string name, string type, string description, string what, Func<string, T?> parse, Func<T, Guid>? toId = null)
        : base(name, type, description)
    {
        _parse = parse;
        _toId = toId;
        _what = what;
    }

    /// <inheritdoc/>
    public override Bound Bind(string command, RequestParameters parameters)
    {
        if (parameters[Name] is not { Length: > 0 } text)
        {
            return default;
        }

        if (CheckText(command, text) is { } tooLong)
        {
            return new Bound(null, tooLong);
        }

        return _parse(text.Trim()) is { } value
            ? new Bound(value, null)
            : new Bound(
                null,
                _toId is not null
                    ? ApiError.UnknownEntity(command, Name, text)
                    : ApiError.Invalid(command, $"Unable to parse value {text} for parameter {Name}: it must be {_what}"));
    }

    /// <inheritdoc/>
    public override IReadOnlyCollection<Guid> Ids(object value) => _toId is null ? [] : [_toId((T)value)];
}

/// <summary>A parameter whose value is a reference type.</summary>
/// <typeparam name="T">The value's type.</typeparam>
internal abstract class ReferenceParameter<T> : ApiParameter
    where T : class
{
    private protected ReferenceParameter(string name, string type, string description)
        : base(name, type, description)
    {
    }
}

/// <summary>A text parameter. An empty text counts as not sent, unless it can be cleared.</summary>
internal sealed class TextParameter : ReferenceParameter<string>
{
    internal TextParameter(string name, string description)
        : base(name, "string", description)
    {
    }

    /// <inheritdoc/>
    public override Bound Bind(string command, RequestParameters parameters)
    {
        if (parameters[Name] is not { } text || (text.Length == 0 && !IsClearable))
        {
            return default;
        }

        return CheckText(command, text) is { } error ? new Bound(null, error) : new Bound(text, null);
    }
}

/// <summary>A list parameter, comma-joined.</summary>
/// <typeparam name="T">An item's type.</typeparam>
internal sealed class ListParameter<T> : ReferenceParameter<IReadOnlyList<T>>
{
    private const int MaxItems = 1000;
    private readonly Func<string, (bool Ok, T Value)> _parse;
    private readonly Func<T, Guid>? _toId;

    internal ListParameter(string name, string description, Func<string, (bool Ok, T Value)> parse, Func<T, Guid>? toId)
        : base(name, "list", description)
    {
        _parse = parse;
        _toId = toId;
    }

    /// <inheritdoc/>
    public override Bound Bind(string command, RequestParameters parameters)
    {
        if (parameters[Name] is not { } text || (text.Length == 0 && !IsClearable))
        {
            return default;
        }

        var items = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (items.Length > MaxItems)
        {
            return new Bound(null, ApiError.Invalid(command, $"More than {MaxItems} items for parameter {Name}"));
        }

        var values = new List<T>(items.Length);
        foreach (var item in items)
        {
            if (CheckText(command, item) is { } error)
            {
                return new Bound(null, error);
            }

            var (ok, value) = _parse(item);
            if (!ok)
            {
                return new Bound(null, ApiError.UnknownEntity(command, Name, item));
            }

            values.Add(value);
        }

        return new Bound(values, null);
    }

    /// <inheritdoc/>
    public override IReadOnlyCollection<Guid> Ids(object value) => _toId is null ? [] : [.. ((IReadOnlyList<T>)value).Select(_toId)];
}

/// <summary>A map parameter. Both shapes that clients send are read.</summary>
internal sealed class MapParameter : ReferenceParameter<MapValue>
{
    private const int MaxEntries = 256;

    /// <summary>Whether its rows are things of their own, and not parts of one map.</summary>
    public bool HasRows { get; init; }

    internal MapParameter(string name, string description)
        : base(name, "map", description)
    {
    }

    /// <inheritdoc/>
    public override Bound Bind(string command, RequestParameters parameters)
    {
        if (!MapParameterReader.TryReadRows(parameters, Name, out var rows, out var error))
        {
            return new Bound(null, error);
        }

        if (rows.Count == 0)
        {
            return default;
        }

        if (rows.Sum(r => r.Count) > MaxEntries)
        {
            return new Bound(null, ApiError.Invalid(command, $"More than {MaxEntries} entries for parameter {Name}"));
        }

        foreach (var (key, value) in rows.SelectMany(r => r))
        {
            if (CheckText(command, key) is { } badKey)
            {
                return new Bound(null, badKey);
            }

            if (CheckText(command, value) is { } badValue)
            {
                return new Bound(null, badValue);
            }
        }

        if (HasRows)
        {
            return new Bound(new MapValue(rows, new Dictionary<string, string>()), null);
        }

        return MapParameterReader.TryFlatten(rows, Name, out var entries, out error) ? new Bound(new MapValue(rows, entries), null) : new Bound(null, error);
    }
}

/// <summary>The value of a map parameter.</summary>
/// <param name="Rows">One dictionary per index, in the order of the indexes; keys are found whatever their case.</param>
/// <param name="Entries">The rows as one map, whichever shape they came in; empty when rows are things of their own.</param>
internal sealed record MapValue(IReadOnlyList<IReadOnlyDictionary<string, string>> Rows, IReadOnlyDictionary<string, string> Entries);
