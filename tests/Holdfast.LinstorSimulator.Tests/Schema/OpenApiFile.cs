using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using YamlDotNet.RepresentationModel;

namespace Holdfast.LinstorSimulation.Tests.Schema;

/// <summary>
/// The OpenAPI description of the LINSTOR REST API, where a copy lies beside the repository (<c>../shared/facts/linstor-openapi.yaml</c>, or the same further up).
/// Checks requests and responses against its schemas; what the real server is known to do differently is listed in <see cref="Deviations"/>.
/// </summary>
internal sealed class OpenApiFile
{
    private static readonly Lazy<OpenApiFile?> Loaded = new(Load);
    private readonly YamlMappingNode _root;
    private readonly List<(string[] Parts, string Template, YamlMappingNode Methods)> _paths = [];

    private OpenApiFile(YamlMappingNode root)
    {
        _root = root;
        foreach (var (key, value) in Map(root, "paths")!.Children)
        {
            var template = ((YamlScalarNode)key).Value!;
            _paths.Add((template.Split('/', StringSplitOptions.RemoveEmptyEntries), template, (YamlMappingNode)value));
        }
    }

    /// <summary>Null where there is no copy.</summary>
    public static OpenApiFile? Instance => Loaded.Value;

    public IEnumerable<string> Templates => _paths.Select(static path => path.Template);

    /// <summary>What is wrong with one exchange, one line each; empty when all is well.</summary>
    public List<string> Check(string method, string path, string? requestBody, int status, string responseBody)
    {
        var problems = new List<string>();
        var operation = Find(method, path, out var template);
        if (operation is null)
        {
            if (Deviations.ServerOnly(method, path) is not { } schema)
            {
                problems.Add($"{method} {path} is neither in the file nor on the list of server-only paths");
            }
            else if (schema.Length > 0 && status < 300)
            {
                Validate(Reference(schema), JsonNode.Parse(responseBody), $"{method} {path}", problems);
            }

            return problems;
        }

        if (requestBody is { Length: > 0 } && status < 300 && Content(Map(operation, "requestBody")) is { } bodySchema)
        {
            Validate(bodySchema, JsonNode.Parse(requestBody), "request", problems, isRequest: true);
        }

        if (status is >= 300 and < 400)
        {
            return problems;
        }

        var responseSchema = ResponseSchema(operation, status);
        if (responseSchema is not null && status < 300 && Deviations.ResponseSchema(method, template!) is { } other)
        {
            JsonNode.Parse(responseBody).ShouldBeKind(other, problems);
        }
        else if (responseSchema is not null && !Deviations.RefusedClone(method, template!, status, responseBody))
        {
            Validate(responseSchema, JsonNode.Parse(responseBody), $"{method} {template} {status}", problems);
        }

        return problems;
    }

    private YamlMappingNode? ResponseSchema(YamlMappingNode operation, int status)
    {
        if (status >= 400)
        {
            // The file gives a single entry for some errors; the server always sends a list, and clients rely on it.
            return Reference("ApiCallRcList");
        }

        var responses = Map(operation, "responses")!;
        if (Map(responses, status.ToString(CultureInfo.InvariantCulture)) is { } exact)
        {
            return Content(Resolve(exact));
        }

        // Which of 200 and 201 a success has is not documented everywhere.
        return responses.Children.Where(static pair => ((YamlScalarNode)pair.Key).Value!.StartsWith('2')).Select(pair => Content(Resolve((YamlMappingNode)pair.Value))).FirstOrDefault();
    }

    private YamlMappingNode? Find(string method, string path, out string? template)
    {
        var parts = path.Split('?')[0].Split('/', StringSplitOptions.RemoveEmptyEntries);
        foreach (var (candidate, name, methods) in _paths)
        {
            if (candidate.Length == parts.Length && candidate.Zip(parts).All(static pair => pair.First.StartsWith('{') || pair.First == pair.Second)
                && Map(methods, method.ToLowerInvariant()) is { } operation)
            {
                template = name;
                return operation;
            }
        }

        template = null;
        return null;
    }

    private void Validate(YamlMappingNode schema, JsonNode? value, string at, List<string> problems, bool isRequest = false)
    {
        schema = Resolve(schema);
        if (value is null)
        {
            // A null sub-object is sent by clients and never by the server.
            if (!isRequest)
            {
                problems.Add($"{at}: null");
            }

            return;
        }

        if (Items(schema, "allOf") is { } all)
        {
            Object(Flatten(all), value, at, problems, isRequest);
            return;
        }

        if (Items(schema, "oneOf") is { } alternatives)
        {
            if (!alternatives.Any(alternative =>
            {
                var tried = new List<string>();
                Validate(alternative, value, at, tried, isRequest);
                return tried.Count == 0;
            }))
            {
                problems.Add($"{at}: fits none of the alternatives");
            }

            return;
        }

        switch (Text(schema, "type"))
        {
            case "object":
                Object(schema, value, at, problems, isRequest);
                break;
            case "array":
                if (value is not JsonArray array)
                {
                    problems.Add($"{at}: an array is expected, found {value.GetValueKind()}");
                    break;
                }

                for (var i = 0; i < array.Count; i++)
                {
                    Validate((YamlMappingNode)schema["items"], array[i], $"{at}[{i}]", problems, isRequest);
                }

                break;
            case "string":
                if (value.GetValueKind() != JsonValueKind.String)
                {
                    problems.Add($"{at}: a string is expected, found {value.ToJsonString()}");
                }
                else if (schema.Children.TryGetValue("enum", out var names) && !((YamlSequenceNode)names).Any(name => ((YamlScalarNode)name).Value == value.ToString())
                    && !Deviations.Value(at, value.ToString()))
                {
                    problems.Add($"{at}: '{value}' is not one of the values listed");
                }

                break;
            case "integer":
                if (value.GetValueKind() != JsonValueKind.Number || !long.TryParse(value.ToJsonString(), out var number) || (Text(schema, "format") == "int32" && number != (int)number))
                {
                    problems.Add($"{at}: an integer is expected, found {value.ToJsonString()}");
                }

                break;
            case "number":
                if (value.GetValueKind() != JsonValueKind.Number)
                {
                    problems.Add($"{at}: a number is expected, found {value.ToJsonString()}");
                }

                break;
            case "boolean":
                if (value.GetValueKind() is not (JsonValueKind.True or JsonValueKind.False))
                {
                    problems.Add($"{at}: a boolean is expected, found {value.ToJsonString()}");
                }

                break;
        }
    }

    private void Object(YamlMappingNode schema, JsonNode value, string at, List<string> problems, bool isRequest)
    {
        if (value is not JsonObject found)
        {
            problems.Add($"{at}: an object is expected, found {value.GetValueKind()}");
            return;
        }

        var properties = Map(schema, "properties");
        var rest = schema.Children.TryGetValue("additionalProperties", out var more) ? more as YamlMappingNode : null;
        var open = schema.Children.ContainsKey("additionalProperties") && rest is null;
        foreach (var (name, member) in found)
        {
            if (properties is not null && Map(properties, name) is { } known)
            {
                Validate(known, member, $"{at}.{name}", problems, isRequest);
            }
            else if (rest is not null)
            {
                Validate(rest, member, $"{at}.{name}", problems, isRequest);
            }
            else if (!open && properties is not null)
            {
                problems.Add($"{at}: the schema has no field '{name}'");
            }
        }

        if (!schema.Children.TryGetValue("required", out var required))
        {
            return;
        }

        foreach (var name in ((YamlSequenceNode)required).Select(static name => ((YamlScalarNode)name).Value!).Where(name => !found.ContainsKey(name) && !Deviations.Missing(at, name)))
        {
            problems.Add($"{at}: the required field '{name}' is missing");
        }
    }

    private YamlMappingNode Flatten(List<YamlMappingNode> parts)
    {
        var properties = new YamlMappingNode();
        foreach (var part in parts.Select(Resolve))
        {
            var flat = Items(part, "allOf") is { } inner ? Flatten(inner) : part;
            foreach (var (name, schema) in Map(flat, "properties")?.Children.ToArray() ?? [])
            {
                properties.Children[name] = schema;
            }
        }

        return new YamlMappingNode { { "type", "object" }, { "properties", properties } };
    }

    private YamlMappingNode Reference(string schema) => Map(Map(Map(_root, "components")!, "schemas")!, schema) ?? throw new InvalidOperationException($"The file has no schema {schema}.");

    private YamlMappingNode Resolve(YamlMappingNode node)
    {
        while (Text(node, "$ref") is { } reference)
        {
            node = reference.TrimStart('#').Split('/', StringSplitOptions.RemoveEmptyEntries).Aggregate(_root, static (at, part) => Map(at, part)!);
        }

        return node;
    }

    private YamlMappingNode? Content(YamlMappingNode? holder) =>
        holder is not null && Map(Resolve(holder), "content") is { } content && Map(content, "application/json") is { } json ? Map(json, "schema") : null;

    private static List<YamlMappingNode>? Items(YamlMappingNode node, string name) =>
        node.Children.TryGetValue(name, out var found) ? [.. ((YamlSequenceNode)found).Cast<YamlMappingNode>()] : null;

    private static YamlMappingNode? Map(YamlMappingNode node, string name) => node.Children.TryGetValue(name, out var found) ? found as YamlMappingNode : null;

    private static string? Text(YamlMappingNode node, string name) => node.Children.TryGetValue(name, out var found) ? (found as YamlScalarNode)?.Value : null;

    private static OpenApiFile? Load()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var file = Path.Combine(folder.FullName, "shared", "facts", "linstor-openapi.yaml");
            if (File.Exists(file))
            {
                using var reader = File.OpenText(file);
                var stream = new YamlStream();
                stream.Load(reader);
                return new OpenApiFile((YamlMappingNode)stream.Documents[0].RootNode);
            }
        }

        return null;
    }
}
