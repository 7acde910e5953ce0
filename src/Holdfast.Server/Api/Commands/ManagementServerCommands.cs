using System.Security.Cryptography;
using System.Text;
using Holdfast.Core.States;
using LinqToDB.Async;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Api.Commands;

/// <summary>Commands about management servers. Servers do not know each other: each tells of itself, which is what clients ask for that want to know what they talk to.</summary>
internal static class ManagementServerCommands
{
    /// <summary>Clients branch on the version of the API that they know; ours is listed beside it.</summary>
    internal const string CloudStackVersion = "4.22.0.0";

    private const string Key = "managementserver";

    private static readonly ValueParameter<Guid> FilterId = AnyId("id", "the id of the server");
    private static readonly TextParameter FilterName = Text("name", "the name of the server");

    private static readonly View<ServerEntry> View = Api.Commands.View<ServerEntry>.Build(v => v
        .Uuid("id", "the id of the server, made from its name", e => e.Id)
        .Text("state", "always Up: it answers", _ => "Up")
        .Text("version", "the version of the CloudStack API that it speaks", _ => CloudStackVersion)
        .Only(Roles.RootAdmin, admin => admin
            .Text("name", "the name of the machine that it runs on", e => e.Name)
            .Long("agentscount", "how many hosts are Up, whichever server they speak to", e => e.Hosts)));

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        List("listManagementServers", "Lists management servers: the one that answers"),
        List("listManagementServersMetrics", "Lists management servers; the same as listManagementServers"),
    ];

    private static ApiCommand List(string name, string description) => new()
    {
        Name = name,
        Description = description,
        Roles = Roles.Authenticated,
        Parameters = [FilterId, FilterName, .. CommonParameters.List],
        Response = ResponseShape.Of(Key, View),
        Handler = ListAsync,
    };

    private static async Task<ApiResult> ListAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var name = Environment.MachineName;
        var id = new Guid(SHA256.HashData(Encoding.UTF8.GetBytes(name)).AsSpan(0, 16));
        if ((call.Get(FilterId) is { } wanted && wanted != id)
            || (call.Get(FilterName) is { } named && !named.Equals(name, StringComparison.OrdinalIgnoreCase))
            || (call.Get(CommonParameters.Keyword) is { } keyword && !name.Contains(keyword, StringComparison.OrdinalIgnoreCase))
            || call.Page.Offset > 0)
        {
            return ApiResult.EmptyList();
        }

        var hosts = await call.Services.Database.ReadAsync((db, ct) => db.Hosts.CountAsync(h => h.State == HostState.Up && h.Removed == null, ct), cancellationToken);
        return ApiResult.List(Key, View, [new ServerEntry(id, name, hosts)], 1);
    }

    private sealed record ServerEntry(Guid Id, string Name, int Hosts);
}
