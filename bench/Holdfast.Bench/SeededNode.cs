using System.Diagnostics;
using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.Server.Api.Authentication;
using Holdfast.Server.Pools;
using Holdfast.Server.Security;
using Holdfast.Server.Startup;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;
using LinqToDB.Async;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Holdfast.Bench;

/// <summary>A server node in this process on a seeded database, with a client that calls it over HTTP. Nothing works but what is asked: no sweep looks at the rows.</summary>
internal sealed class SeededNode : IAsyncDisposable
{
    private readonly ServerHost _host;
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromMinutes(15) };
    private string _key = "";
    private string _secret = "";

    private SeededNode(ServerHost host) => _host = host;

    /// <summary>What was made up.</summary>
    public Seed Seed { get; private set; } = null!;

    /// <summary>The node's database.</summary>
    public Database Database => _host.Services.GetRequiredService<Database>();

    /// <summary>Starts a node and fills its database.</summary>
    /// <param name="data">The data folder; made when missing.</param>
    /// <param name="databaseFile">A file with the connection string of an empty PostgreSQL database; null: SQLite in the data folder.</param>
    /// <param name="size">How much.</param>
    /// <param name="say">Takes progress.</param>
    public static async Task<SeededNode> StartAsync(string data, string? databaseFile, ScaleSize size, Action<string> say)
    {
        var host = ServerHost.Build(
            new ServerOptions { Data = data, Port = 0, AgentPort = 0, DatabaseFile = databaseFile },
            services =>
            {
                services.AddSingleton(new ReconcileTimings { SweepInterval = TimeSpan.FromDays(1) });
                services.AddLogging(logging => logging.ClearProviders());
            });
        var node = new SeededNode(host);
        try
        {
            await host.StartAsync(CancellationToken.None);
            var pairs = await node.Database.ReadAsync((db, ct) => db.UserKeys.ToListAsync(ct), CancellationToken.None);
            if (pairs is not [var keys] || await node.Database.ReadAsync((db, ct) => db.Hosts.AnyAsync(ct), CancellationToken.None))
            {
                throw new InvalidOperationException($"{data} is not the folder of a new installation: a database is seeded once, and only an empty one.");
            }

            node._key = keys.ApiKey;
            node._secret = host.Services.GetRequiredService<SecretBox>().Unseal(SecretPurpose.UserSecretKey(keys.Id), keys.SecretKey).Reveal();
            node.Seed = await Seed.FillAsync(node.Database, size, say);
            return node;
        }
        catch
        {
            await node.DisposeAsync();
            throw;
        }
    }

    /// <summary>Calls a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="parameters">Its parameters.</param>
    /// <returns>How long it took to the last byte, and the inner object of the answer.</returns>
    public async Task<(TimeSpan Took, JsonElement Answer)> CallAsync(string command, params IReadOnlyList<(string Name, string Value)> parameters)
    {
        List<KeyValuePair<string, string>> all = [new("command", command), new("response", "json"), new("apiKey", _key), .. parameters.Select(p => new KeyValuePair<string, string>(p.Name, p.Value))];
        all.Add(new("signature", SignatureCheck.Sign(all, _secret)));
        var query = string.Join('&', all.Select(p => Uri.EscapeDataString(p.Key) + "=" + Uri.EscapeDataString(p.Value)));
        var began = Stopwatch.GetTimestamp();
        using var response = await _http.GetAsync(new Uri(_host.ApiAddress, "/client/api?" + query));
        var text = await response.Content.ReadAsByteArrayAsync();
        var took = Stopwatch.GetElapsedTime(began);
        if (!response.IsSuccessStatusCode)
        {
            throw new InvalidOperationException($"{command} was refused: {System.Text.Encoding.UTF8.GetString(text)}");
        }

        return (took, JsonDocument.Parse(text).RootElement.EnumerateObject().Single().Value);
    }

    /// <summary>Stops the VMs of a pool that is being prepared for maintenance as the sweep does, step after step.</summary>
    /// <param name="pool">The pool.</param>
    /// <returns>How long each step took, in milliseconds; the last one finds nothing more.</returns>
    public async Task<IReadOnlyList<double>> StopStepsAsync(PoolId pool)
    {
        var turns = _host.Services.GetRequiredService<TurnFactory>();
        var steps = new List<double>();
        var isMore = true;
        while (isMore)
        {
            var began = Stopwatch.GetTimestamp();
            isMore = await turns.RunAsync((turn, ct) => turn.Part<PoolMaintenance>().StopNextAsync(pool, ct), CancellationToken.None);
            steps.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        }

        return steps;
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _host.DisposeAsync();
    }
}
