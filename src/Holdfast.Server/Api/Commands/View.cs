using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.Server.Api.Transport;

namespace Holdfast.Server.Api.Commands;

/// <summary>A field of a response object.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type as <c>listApis</c> names it.</param>
/// <param name="Description">What it means.</param>
internal record ViewField(string Name, string Type, string Description)
{
    /// <summary>The fields of the objects in it.</summary>
    public IReadOnlyList<ViewField> Nested { get; init; } = [];

    /// <summary>Who sees it.</summary>
    public Roles VisibleTo { get; init; } = Roles.Everybody;
}

/// <summary>A response object as data: what is documented is what is written. Nulls are left out. Immutable.</summary>
/// <typeparam name="T">What it is made from.</typeparam>
internal sealed class View<T>
{
    private static readonly JsonWriterOptions TextOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Field[] _fields;

    private View(Field[] fields)
    {
        _fields = fields;
        Fields = [.. fields];
    }

    /// <summary>Writes a field's property, or nothing.</summary>
    internal delegate void WriteField(Utf8JsonWriter writer, JsonEncodedText name, T row, Roles viewer);

    /// <summary>The fields.</summary>
    public IReadOnlyList<ViewField> Fields { get; }

    /// <summary>Makes a view.</summary>
    /// <param name="build">Adds the fields in the order in which they are written.</param>
    public static View<T> Build(Action<Builder> build)
    {
        var builder = new Builder();
        build(builder);
        return new View<T>(builder.ToArray());
    }

    /// <summary>Writes an object.</summary>
    public void Write(Utf8JsonWriter writer, T row, Roles viewer)
    {
        writer.WriteStartObject();
        WriteFields(writer, row, viewer);
        writer.WriteEndObject();
    }

    /// <summary>An object under its key, as text.</summary>
    public string ToJson(string key, T row, Roles viewer)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, TextOptions))
        {
            writer.WriteStartObject();
            writer.WritePropertyName(key);
            Write(writer, row, viewer);
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>Writes the fields into an object that is open.</summary>
    public void WriteFields(Utf8JsonWriter writer, T row, Roles viewer)
    {
        foreach (var field in _fields)
        {
            if ((field.VisibleTo & viewer) != 0)
            {
                field.Write(writer, field.EncodedName, row, viewer);
            }
        }
    }

    /// <summary>A field and how it is written.</summary>
    internal sealed record Field(string Name, string Type, string Description, WriteField Write) : ViewField(Name, Type, Description)
    {
        /// <summary>The name, encoded once.</summary>
        public JsonEncodedText EncodedName { get; } = JsonEncodedText.Encode(Name);
    }

    /// <summary>Collects fields.</summary>
    internal sealed class Builder
    {
        private readonly List<Field> _fields = [];
        private Roles _visibleTo = Roles.Everybody;

        /// <summary>The fields so far.</summary>
        public Field[] ToArray() => [.. _fields];

        /// <summary>Adds fields that only some may see.</summary>
        public Builder Only(Roles roles, Action<Builder> build)
        {
            var outer = _visibleTo;
            _visibleTo = roles;
            build(this);
            _visibleTo = outer;
            return this;
        }

        /// <summary>All fields of another object, as if they were this one's.</summary>
        /// <param name="view">The other object.</param>
        /// <param name="get">What it is made from.</param>
        public Builder Include<TInner>(View<TInner> view, Func<T, TInner> get)
        {
            _fields.AddRange(view._fields.Select(field => new Field(field.Name, field.Type, field.Description, (w, n, row, viewer) => field.Write(w, n, get(row), viewer))
            {
                Nested = field.Nested, VisibleTo = field.VisibleTo & _visibleTo,
            }));
            return this;
        }

        /// <summary>A text.</summary>
        public Builder Text(string name, string description, Func<T, string?> get) => Add(name, "string", description, (w, n, row, _) =>
        {
            if (get(row) is { } value)
            {
                w.WriteString(n, value);
            }
        });

        /// <summary>An id.</summary>
        public Builder Id<TId>(string name, string description, Func<T, TId> get)
            where TId : struct, ITypedId<TId> => Add(name, "string", description, (w, n, row, _) => w.WriteString(n, get(row).Value));

        /// <summary>An id that may be missing.</summary>
        public Builder OptionalId<TId>(string name, string description, Func<T, TId?> get)
            where TId : struct, ITypedId<TId> => Add(name, "string", description, (w, n, row, _) =>
            {
                if (get(row) is { } value)
                {
                    w.WriteString(n, value.Value);
                }
            });

        /// <summary>A UUID of no type of its own.</summary>
        public Builder Uuid(string name, string description, Func<T, Guid?> get) => Add(name, "string", description, (w, n, row, _) =>
        {
            if (get(row) is { } value)
            {
                w.WriteString(n, value);
            }
        });

        /// <summary>A 32-bit number.</summary>
        public Builder Int(string name, string description, Func<T, int?> get) => Add(name, "integer", description, (w, n, row, _) =>
        {
            if (get(row) is { } value)
            {
                w.WriteNumber(n, value);
            }
        });

        /// <summary>A 64-bit number.</summary>
        public Builder Long(string name, string description, Func<T, long?> get) => Add(name, "long", description, (w, n, row, _) =>
        {
            if (get(row) is { } value)
            {
                w.WriteNumber(n, value);
            }
        });

        /// <summary>A boolean.</summary>
        public Builder Bool(string name, string description, Func<T, bool?> get) => Add(name, "boolean", description, (w, n, row, _) =>
        {
            if (get(row) is { } value)
            {
                w.WriteBoolean(n, value);
            }
        });

        /// <summary>A date.</summary>
        public Builder Date(string name, string description, Func<T, DateTimeOffset?> get) => Add(name, "date", description, (w, n, row, _) =>
        {
            if (get(row) is { } value)
            {
                w.WriteString(n, ApiDate.Format(value));
            }
        });

        /// <summary>A map of texts.</summary>
        public Builder Map(string name, string description, Func<T, IReadOnlyDictionary<string, string>?> get) => Add(name, "map", description, (w, n, row, _) =>
        {
            if (get(row) is { } map)
            {
                w.WriteStartObject(n);
                foreach (var (key, value) in map)
                {
                    w.WriteString(key, value);
                }

                w.WriteEndObject();
            }
        });

        /// <summary>A list of objects; an empty one is written as an empty array.</summary>
        public Builder List<TItem>(string name, string description, View<TItem> view, Func<T, IReadOnlyList<TItem>?> get) =>
            Add(
                name,
                "list",
                description,
                (w, n, row, viewer) =>
                {
                    if (get(row) is { } items)
                    {
                        w.WriteStartArray(n);
                        foreach (var item in items)
                        {
                            view.Write(w, item, viewer);
                        }

                        w.WriteEndArray();
                    }
                },
                view.Fields);

        /// <summary>A list of texts.</summary>
        public Builder Texts(string name, string description, Func<T, IReadOnlyList<string>> get) => Add(name, "list", description, (w, n, row, _) =>
        {
            w.WriteStartArray(n);
            foreach (var text in get(row))
            {
                w.WriteStringValue(text);
            }

            w.WriteEndArray();
        });

        /// <summary>A list that clients expect and that is always empty here.</summary>
        public Builder EmptyList(string name, string description) => Add(name, "list", description, (w, n, _, _) =>
        {
            w.WriteStartArray(n);
            w.WriteEndArray();
        });

        /// <summary>An object in the object.</summary>
        public Builder Object<TItem>(string name, string description, View<TItem> view, Func<T, TItem?> get)
            where TItem : class =>
            Add(
                name,
                "object",
                description,
                (w, n, row, viewer) =>
                {
                    if (get(row) is { } item)
                    {
                        w.WritePropertyName(n);
                        view.Write(w, item, viewer);
                    }
                },
                view.Fields);

        /// <summary>JSON that is stored as it is to be sent.</summary>
        public Builder Json(string name, string description, Func<T, string?> get) => Add(name, "object", description, (w, n, row, _) =>
        {
            if (get(row) is { } json)
            {
                w.WritePropertyName(n);
                w.WriteRawValue(json);
            }
        });

        private Builder Add(string name, string type, string description, WriteField write, IReadOnlyList<ViewField>? nested = null)
        {
            _fields.Add(new Field(name, type, description, write) { Nested = nested ?? [], VisibleTo = _visibleTo });
            return this;
        }
    }
}
