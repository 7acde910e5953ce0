using System.Text;

namespace Holdfast.Server.Api.Commands;

/// <summary>Writes <c>docs/api.md</c> from the command table.</summary>
internal static class ApiDocument
{
    /// <summary>The document.</summary>
    public static string Render(IReadOnlyList<ApiCommand> commands)
    {
        var text = new StringBuilder();
        text.Append("""
            # API

            Made from the command table (`src/Holdfast.Server/Api`); a test keeps it so. To write it anew: `HOLDFAST_ACCEPT=1 ./test`.

            Requests go to `/client/api`, by GET or as a form by POST, signed with an API key or within a session. Answers are JSON. A command marked *async*
            answers with `jobid` (and with `id`, when it makes something), and `queryAsyncJobResult` with its result. List commands take `page` with `pagesize`.

            What a parameter asks for is done, or the call is refused with 431 and changes nothing, or the parameter cannot matter here and is listed as such: beside
            each command stands which of the three holds for each parameter that CloudStack's command of this name has. *Finds nothing* is a filter by something
            that nothing here is or has.

            | command | what it does | for |
            | --- | --- | --- |

            """);
        foreach (var command in commands)
        {
            text.Append($"| [{command.Name}](#{command.Name.ToLowerInvariant()}) | {command.Description} | {RolesOf(command)} |\n");
        }

        foreach (var command in commands)
        {
            text.Append($"\n## {command.Name}\n\n{command.Description}.");
            text.Append(command.IsAsync ? " *Async.*" : "").Append(command.IsPostOnly ? " *POST only.*" : "").Append($" For {RolesOf(command)}.\n");
            if (command.Parameters.Count > 0)
            {
                text.Append("\n| parameter | type | |\n| --- | --- | --- |\n");
                foreach (var parameter in command.Parameters)
                {
                    var effect = parameter.NoEffect is { } why ? $"; accepted without effect: {why}" : "";
                    text.Append($"| {parameter.Name}{(parameter.IsRequired ? " (required)" : "")} | {parameter.Type} | {parameter.Description}{effect} |\n");
                }
            }

            if (ForeignParameters.Of(command) is { Count: > 0 } foreign)
            {
                text.Append("\n| other parameter of CloudStack | what is done with it | |\n| --- | --- | --- |\n");
                foreach (var parameter in foreign.OrderBy(p => p.Name, StringComparer.Ordinal))
                {
                    text.Append($"| {parameter.Name} | {TreatmentOf(parameter)} | {parameter.Why} |\n");
                }
            }

            text.Append($"\nAnswers {(command.Response.Key is { } key ? $"`{key}`" : "in the envelope itself")}: ");
            text.AppendJoin(", ", command.Response.Fields.Select(f => f.Name)).Append(".\n");
        }

        return text.ToString();
    }

    private static string TreatmentOf(ForeignParameter parameter)
    {
        var unless = parameter.Harmless.Count == 0 ? "" : $", except {string.Join(" and ", parameter.Harmless.Select(v => $"`{v}`"))}";
        return parameter.Treatment switch
        {
            ParameterTreatment.Refused => $"refused (431){unless}",
            ParameterTreatment.FindsNothing => $"finds nothing{unless}",
            _ => "accepted without effect",
        };
    }

    private static string RolesOf(ApiCommand command) => command.Roles switch
    {
        Roles.Everybody => "everybody, also without credentials",
        Roles.Authenticated => "all accounts",
        Roles.RootAdmin => "root administrators",
        _ => "administrators",
    };
}
