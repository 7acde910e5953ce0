using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Api.Commands;

/// <summary>listApis: the command table, shown to its users.</summary>
internal static class DiscoveryCommands
{
    private static readonly TextParameter ApiName = Text("name", "the name of one command");

    private static readonly View<ParameterEntry> ParameterView = View<ParameterEntry>.Build(v => v
        .Text("name", "the name of the parameter", p => p.Parameter.Name)
        .Text("description", "what the parameter means", p => p.Parameter.Description)
        .Text("type", "the type of the parameter", p => p.Parameter.Type)
        .Int("length", "the longest text of the parameter", p => p.Parameter.Length)
        .Bool("required", "true if the parameter must be sent", p => p.Parameter.IsRequired)
        .Text("since", "the version that brought the parameter", p => p.Parameter.Since)
        .Text("related", "commands that list values for the parameter", p => p.Related));

    private static readonly View<ViewField> FieldView = FieldsOf(FieldsOf(FieldsOf(null)));

    private static readonly View<CommandEntry> CommandView = View<CommandEntry>.Build(v => v
        .Text("name", "the name of the command", c => c.Command.Name)
        .Text("description", "what the command does", c => c.Command.Description)
        .Text("since", "the version that brought the command", c => c.Command.Since)
        .Bool("isasync", "true if the command answers with a job", c => c.Command.IsAsync)
        .Text("related", "commands about the same kind of object", c => c.Related)
        .List("params", "the parameters", ParameterView, c => c.Parameters)
        .List("response", "the fields of the answer", FieldView, c => c.Command.Response.Fields)
        .Text("type", "the type of the answer", c => c.Command.Response.Key)
        .Text("httprequesttype", "the HTTP method, where only one is allowed", c => c.Command.IsPostOnly ? "POST" : null));

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
                var table = call.Services.Commands;
                var kinds = call.Services.Of<EntityKinds>();
                var commands = table.All
                    .Where(c => call.Caller.May(c) && (name is null || c.Name.Equals(name, StringComparison.OrdinalIgnoreCase)))
                    .Select(c => new CommandEntry(c, Related(table, c), [.. c.Parameters.Select(p => new ParameterEntry(p, p.Entity is { } entity ? kinds.Of(entity).ListCommand : null))]))
                    .ToList();
                return Task.FromResult(ApiResult.List("api", CommandView, commands, commands.Count));
            },
        },
    ];

    // Clients complete an id with the list command of its kind of object: the one that answers with the same key.
    private static string? Related(ApiCommandTable table, ApiCommand command)
    {
        var related = command.Response.Key is { } key
            ? table.All.Where(c => c.Response.Key == key && c != command).Select(c => c.Name).ToList()
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

    private sealed record CommandEntry(ApiCommand Command, string? Related, IReadOnlyList<ParameterEntry> Parameters);

    private sealed record ParameterEntry(ApiParameter Parameter, string? Related);
}
