using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Api.Commands;

/// <summary>listApis: the command table, shown to its users.</summary>
internal static class DiscoveryCommands
{
    private static readonly TextParameter ApiName = Text("name", "the name of one command");

    private static readonly View<ApiParameter> ParameterView = View<ApiParameter>.Build(v => v
        .Text("name", "the name of the parameter", p => p.Name)
        .Text("description", "what the parameter means", p => p.Description)
        .Text("type", "the type of the parameter", p => p.Type)
        .Int("length", "the longest text of the parameter", p => p.Length)
        .Bool("required", "true if the parameter must be sent", p => p.IsRequired)
        .Text("since", "the version that brought the parameter", p => p.Since)
        .Text("related", "commands that list values for the parameter", p => p.Entity?.ListCommand()));

    private static readonly View<ViewField> FieldView = FieldsOf(FieldsOf(FieldsOf(null)));

    private static readonly View<ApiCommand> CommandView = View<ApiCommand>.Build(v => v
        .Text("name", "the name of the command", c => c.Name)
        .Text("description", "what the command does", c => c.Description)
        .Text("since", "the version that brought the command", c => c.Since)
        .Bool("isasync", "true if the command answers with a job", c => c.IsAsync)
        .Text("related", "commands about the same kind of object", Related)
        .List("params", "the parameters", ParameterView, c => c.Parameters)
        .List("response", "the fields of the answer", FieldView, c => c.Response.Fields)
        .Text("type", "the type of the answer", c => c.Response.Key)
        .Text("httprequesttype", "the HTTP method, where only one is allowed", c => c.IsPostOnly ? "POST" : null));

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "listApis",
            Description = "Lists the commands that the caller may use, with their parameters and answers",
            Roles = Roles.Authenticated,
            Parameters = [ApiName],
            Response = ResponseShape.Of("api", CommandView),
            Handler = (call, _) =>
            {
                var name = call.Get(ApiName);
                var commands = ApiCommandTable.All
                    .Where(c => (c.Roles & call.Viewer) != 0 && (name is null || c.Name.Equals(name, StringComparison.OrdinalIgnoreCase)))
                    .ToList();
                return Task.FromResult(ApiResult.List("api", CommandView, commands, commands.Count));
            },
        },
    ];

    // Clients complete an id with the list command of its kind of object: the one that answers with the same key.
    private static string? Related(ApiCommand command)
    {
        var related = command.Response.Key is { } key
            ? ApiCommandTable.All.Where(c => c.Response.Key == key && c != command).Select(c => c.Name).ToList()
            : [];
        return related.Count == 0 ? null : string.Join(',', related);
    }

    private static View<ViewField> FieldsOf(View<ViewField>? nested) => View<ViewField>.Build(v =>
    {
        v.Text("name", "the name of the field", f => f.Name)
            .Text("description", "what the field means", f => f.Description)
            .Text("type", "the type of the field", f => f.Type);
        if (nested is not null)
        {
            v.List("response", "the fields of the objects in it", nested, f => f.Nested.Count == 0 ? null : f.Nested);
        }
    });
}
