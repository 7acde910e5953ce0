using System.Globalization;
using System.Text.Json;
using YamlDotNet.Serialization;

namespace Holdfast.DriverKit.Conformance.Contract;

/// <summary>The protocol's OpenAPI file, and as much of JSON Schema as it uses.</summary>
public sealed class OpenApiDocument
{
    private readonly IReadOnlyDictionary<object, object> _root;

    private OpenApiDocument(IReadOnlyDictionary<object, object> root) => _root = root;

    /// <summary>The file that this build was made with.</summary>
    public static OpenApiDocument Load()
    {
        using var stream = typeof(OpenApiDocument).Assembly.GetManifestResourceStream("openapi.yaml")!;
        using var reader = new StreamReader(stream);
        return new OpenApiDocument(new DeserializerBuilder().Build().Deserialize<Dictionary<object, object>>(reader));
    }

    /// <summary>Operations as <c>METHOD path</c> with parameters in braces.</summary>
    public IReadOnlyList<string> Operations =>
    [
        .. from path in Map(_root["paths"])
           from method in Map(path.Value)
           where (string)method.Key != "parameters"
           select $"{((string)method.Key).ToUpperInvariant()} {path.Key}",
    ];

    /// <summary>Names of the schemas.</summary>
    public IReadOnlyList<string> Schemas => [.. Map(Map(_root["components"])["schemas"]).Keys.Cast<string>()];

    /// <summary>Names of a schema's properties.</summary>
    public IReadOnlyList<string> PropertiesOf(string schema) =>
        SchemaNamed(schema).TryGetValue("properties", out var properties) ? [.. Map(properties).Keys.Cast<string>()] : [];

    /// <summary>Names of a schema's required properties.</summary>
    public IReadOnlyList<string> RequiredOf(string schema) =>
        SchemaNamed(schema).TryGetValue("required", out var required) ? [.. ((IEnumerable<object>)required).Cast<string>()] : [];

    /// <summary>Values of a schema that is an enumeration.</summary>
    public IReadOnlyList<string> ValuesOf(string schema) =>
        SchemaNamed(schema).TryGetValue("enum", out var values) ? [.. ((IEnumerable<object>)values).Cast<string>()] : [];

    /// <summary>Names of the schemas of a schema that is one of several, by the value of their <c>type</c>.</summary>
    public IReadOnlyDictionary<string, string> VariantsOf(string schema) =>
        SchemaNamed(schema).TryGetValue("discriminator", out var discriminator)
            ? Map(Map(discriminator)["mapping"]).ToDictionary(pair => (string)pair.Key, pair => ((string)pair.Value).Split('/')[^1])
            : new Dictionary<string, string>();

    /// <summary>Compares an answer with what the file says about it.</summary>
    /// <param name="method">HTTP method.</param>
    /// <param name="template">Path with parameters in braces.</param>
    /// <param name="status">HTTP status.</param>
    /// <param name="body">The answer's JSON.</param>
    /// <returns>What is wrong; empty when nothing is.</returns>
    public IReadOnlyList<string> Check(string method, string template, int status, JsonElement body)
    {
        List<string> wrong = [];
        if (status != 200 || Find(method, template) is not { } operation)
        {
            Check(SchemaNamed("DriverError"), body, "$", wrong);
            return wrong;
        }

        var response = Map(Map(operation["responses"])["200"]);
        Check(Map(Map(Map(response["content"])["application/json"])["schema"]), body, "$", wrong);
        return wrong;
    }

    /// <summary>Compares a value with a schema.</summary>
    /// <param name="schema">The schema's name.</param>
    /// <param name="value">The value.</param>
    /// <returns>What is wrong; empty when nothing is.</returns>
    public IReadOnlyList<string> Check(string schema, JsonElement value)
    {
        List<string> wrong = [];
        Check(SchemaNamed(schema), value, "$", wrong);
        return wrong;
    }

    private static IReadOnlyDictionary<object, object> Map(object value) => (Dictionary<object, object>)value;

    private IReadOnlyDictionary<object, object> SchemaNamed(string name) => Map(Map(Map(_root["components"])["schemas"])[name]);

    private IReadOnlyDictionary<object, object>? Find(string method, string template) =>
        Map(_root["paths"]).TryGetValue(template, out var path) && Map(path).TryGetValue(method.ToLowerInvariant(), out var operation)
            ? Map(operation)
            : null;

    private void Check(IReadOnlyDictionary<object, object> schema, JsonElement value, string at, List<string> wrong)
    {
        if (schema.TryGetValue("$ref", out var reference))
        {
            Check(SchemaNamed(((string)reference).Split('/')[^1]), value, at, wrong);
            return;
        }

        if (schema.TryGetValue("discriminator", out var discriminator))
        {
            var name = (string)Map(discriminator)["propertyName"];
            if (value.ValueKind == JsonValueKind.Object
                && value.TryGetProperty(name, out var kind)
                && Map(Map(discriminator)["mapping"]).TryGetValue(kind.GetString() ?? string.Empty, out var variant))
            {
                Check(SchemaNamed(((string)variant).Split('/')[^1]), value, at, wrong);
            }
            else
            {
                wrong.Add($"{at} has no known '{name}': {value}");
            }

            return;
        }

        if (schema.TryGetValue("enum", out var values) && !((IEnumerable<object>)values).Contains(value.ToString()))
        {
            wrong.Add($"{at} is '{value}', not one of {string.Join(", ", (IEnumerable<object>)values)}");
        }

        switch (schema.TryGetValue("type", out var type) ? (string)type : null)
        {
            case "object":
                CheckObject(schema, value, at, wrong);
                break;
            case "array" when value.ValueKind == JsonValueKind.Array:
                var index = 0;
                foreach (var item in value.EnumerateArray())
                {
                    Check(Map(schema["items"]), item, $"{at}[{index++}]", wrong);
                }

                break;
            case "string" when value.ValueKind == JsonValueKind.String:
                CheckFormat(schema, value, at, wrong);
                break;
            case "integer" when value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number):
                if (schema.TryGetValue("minimum", out var minimum) && number < long.Parse((string)minimum, CultureInfo.InvariantCulture))
                {
                    wrong.Add($"{at} is {number}, less than {minimum}");
                }

                break;
            case "boolean" when value.ValueKind is JsonValueKind.True or JsonValueKind.False:
            case null:
                break;
            case var expected:
                wrong.Add($"{at} is no {expected}: {value.ValueKind}");
                break;
        }
    }

    private void CheckObject(IReadOnlyDictionary<object, object> schema, JsonElement value, string at, List<string> wrong)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            wrong.Add($"{at} is no object: {value.ValueKind}");
            return;
        }

        if (schema.TryGetValue("required", out var required))
        {
            wrong.AddRange(from string name in (IEnumerable<object>)required where !value.TryGetProperty(name, out _) select $"{at} lacks '{name}'");
        }

        var properties = schema.TryGetValue("properties", out var named) ? Map(named) : new Dictionary<object, object>();
        foreach (var property in value.EnumerateObject())
        {
            if (properties.TryGetValue(property.Name, out var inner))
            {
                Check(Map(inner), property.Value, $"{at}.{property.Name}", wrong);
            }
            else if (schema.TryGetValue("additionalProperties", out var additional))
            {
                Check(Map(additional), property.Value, $"{at}.{property.Name}", wrong);
            }
            else
            {
                wrong.Add($"{at} has '{property.Name}', which the protocol does not know");
            }
        }
    }

    private static void CheckFormat(IReadOnlyDictionary<object, object> schema, JsonElement value, string at, List<string> wrong)
    {
        var text = value.GetString()!;
        switch (schema.TryGetValue("format", out var format) ? (string)format : null)
        {
            case "uuid" when !Guid.TryParseExact(text, "D", out _) || text.Any(char.IsUpper):
                wrong.Add($"{at} is no UUID in lower case: '{text}'");
                break;
            case "date-time" when !DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out _):
                wrong.Add($"{at} is no time: '{text}'");
                break;
        }
    }
}
