using System.Net;
using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.Protocol;
using Holdfast.Server.Api.Authentication;
using Holdfast.Server.Security;
using Holdfast.Server.Startup;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>
/// A server node on Kestrel and SQLite with recorded operations, and one user of each kind: root administrator, administrator of ROOT/a, two users of ROOT/a, administrator of ROOT/elsewhere.
/// </summary>
public class ApiHost : IAsyncLifetime
{
    internal const string Password = "correct horse";

    private readonly string _folder = Directory.CreateTempSubdirectory("holdfast-api-").FullName;
    private ServerHost _host = null!;

    private protected string Folder => _folder;

    internal OperationLog Operations { get; } = new();

    internal LogLines Log { get; } = new();

    /// <summary>The node's clock: starts at the time that rows of tests bear, so that nothing of theirs is over before it begins.</summary>
    internal TimeProvider Time { get; } = new TimeOfRows();

    internal HttpClient Http { get; private set; } = null!;

    internal Uri Endpoint { get; private set; } = null!;

    internal Uri Gateway => _host.GatewayAddress;

    internal Database Database => Service<Database>();

    internal TestUser Admin { get; private set; } = null!;

    internal TestUser User { get; private set; } = null!;

    internal TestUser Other { get; set; } = null!;

    internal TestUser DomainAdmin { get; private set; } = null!;

    /// <summary>The administrator of another branch.</summary>
    internal TestUser Stranger { get; private set; } = null!;

    internal ZoneRow Zone { get; private set; } = null!;

    internal ClusterRow Cluster { get; private set; } = null!;

    internal NetworkRow Network { get; private set; } = null!;

    /// <summary>Whether operations are recorded instead of carried out.</summary>
    private protected virtual bool RecordsOperations => true;

    public async ValueTask InitializeAsync()
    {
        _host = ServerHost.Build(
            Adjust(new ServerOptions { Data = _folder, Port = 0, AgentPort = 0, DatabaseFile = await DatabaseFileAsync(_folder) }),
            services =>
            {
                services.AddSingleton<TimeProvider>(Time);
                if (RecordsOperations)
                {
                    RecordedOperations.Register(services, Operations);

                    // Rows are as the test wrote them: nothing works on them behind its back.
                    services.AddSingleton(new ReconcileTimings { SweepInterval = TimeSpan.FromDays(1) });
                }

                Configure(services);
                services.AddLogging(logging => logging.ClearProviders().AddProvider(Log).SetMinimumLevel(LogLevel.Trace));
            });
        await _host.StartAsync(CancellationToken.None);
        Endpoint = new Uri(_host.ApiAddress, "/client/api");
        Http = new HttpClient(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false });
        var secrets = _host.Services.GetRequiredService<SecretBox>();
        await Database.WriteAsync(
            async (db, ct) =>
            {
                Zone = await db.Zones.SingleAsync(ct);
                Cluster = await db.Clusters.SingleAsync(ct);
                Network = await db.Networks.SingleAsync(ct);
                var root = await db.Domains.SingleAsync(ct);
                var now = DateTimeOffset.UtcNow;
                var below = new DomainRow { Id = new DomainId(Guid.NewGuid()), Name = "a", ParentId = root.Id, Path = "ROOT/a", Level = 1, Created = now };
                await db.InsertAsync(below, token: ct);
                Admin = await AddUserAsync(db, secrets, "root2", root, 1, ct);
                DomainAdmin = await AddUserAsync(db, secrets, "dora", below, 2, ct);
                User = await AddUserAsync(db, secrets, "ulla", below, 0, ct);
                Other = await AddUserAsync(db, secrets, "otto", below, 0, ct);
                var beside = below with { Id = new DomainId(Guid.NewGuid()), Name = "elsewhere", Path = "ROOT/elsewhere" };
                await db.InsertAsync(beside, token: ct);
                Stranger = await AddUserAsync(db, secrets, "sten", beside, 2, ct);
            },
            CancellationToken.None);
    }

    public virtual async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _host.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    private protected virtual ServerOptions Adjust(ServerOptions options) => options;

    private protected virtual void Configure(IServiceCollection services)
    {
    }

    /// <summary>The file with the connection string; null for SQLite.</summary>
    protected virtual Task<string?> DatabaseFileAsync(string folder) => Task.FromResult<string?>(null);

    internal T Service<T>()
        where T : notnull => _host.Services.GetRequiredService<T>();

    /// <summary>Calls a command with a signature; without one for nobody.</summary>
    internal Task<ApiAnswer> CallAsync(TestUser? user, string command, params (string Name, string Value)[] parameters) => SendAsync(user, HttpMethod.Get, command, parameters);

    internal async Task<ApiAnswer> SendAsync(TestUser? user, HttpMethod method, string command, params (string Name, string Value)[] parameters)
    {
        List<KeyValuePair<string, string>> all = [new("command", command), new("response", "json"), .. parameters.Select(p => new KeyValuePair<string, string>(p.Name, p.Value))];
        if (user is not null)
        {
            all.Add(new("apiKey", user.ApiKey));
            all.Add(new("signature", SignatureCheck.Sign(all, user.SecretKey)));
        }

        using var request = method == HttpMethod.Post
            ? new HttpRequestMessage(method, Endpoint) { Content = new FormUrlEncodedContent(all) }
            : new HttpRequestMessage(method, Query(all));
        return await SendAsync(request);
    }

    internal Uri Query(IEnumerable<KeyValuePair<string, string>> parameters) =>
        new(Endpoint + "?" + string.Join('&', parameters.Select(p => Uri.EscapeDataString(p.Key) + "=" + Uri.EscapeDataString(p.Value))));

    internal async Task<ApiAnswer> SendAsync(HttpRequestMessage request)
    {
        using var response = await Http.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        var description = response.Headers.TryGetValues("X-Description", out var values) ? values.Single() : null;
        var cookies = response.Headers.TryGetValues("Set-Cookie", out var set) ? set.ToList() : [];
        return new ApiAnswer(response.StatusCode, text, response.Content.Headers.ContentType?.ToString(), description, cookies);
    }

    internal async Task InsertAsync<T>(params IEnumerable<T> rows)
        where T : class =>
        await Database.WriteAsync(
            async (db, ct) =>
            {
                foreach (var row in rows)
                {
                    await db.InsertAsync(row, token: ct);
                }
            },
            TestContext.Current.CancellationToken);

    /// <summary>A domain below ROOT, beside that of the other users.</summary>
    internal async Task<DomainRow> AddDomainAsync(string name)
    {
        var row = new DomainRow { Id = new DomainId(Guid.NewGuid()), Name = name, ParentId = Admin.Domain.Id, Path = $"ROOT/{name}", Level = 1, Created = DateTimeOffset.UtcNow };
        await InsertAsync(row);
        return row;
    }

    /// <summary>A user of an account of its own.</summary>
    internal Task<TestUser> AddUserAsync(string name, DomainRow domain, int type) =>
        Database.WriteAsync((db, ct) => AddUserAsync(db, Service<SecretBox>(), name, domain, type, ct), TestContext.Current.CancellationToken);

    private static async Task<TestUser> AddUserAsync(StoreConnection db, SecretBox secrets, string name, DomainRow domain, int type, CancellationToken ct)
    {
        var account = new AccountRow
        {
            Id = new AccountId(Guid.NewGuid()),
            Number = name.GetHashCode(StringComparison.Ordinal),
            Name = name,
            DomainId = domain.Id,
            Type = type,
            RoleId = RoleRow.DefaultOf(type),
            State = "enabled",
            Created = DateTimeOffset.UtcNow,
        };
        var id = new UserId(Guid.NewGuid());
        var secret = Guid.NewGuid().ToString("N");
        var user = new UserRow
        {
            Id = id,
            AccountId = account.Id,
            Username = name,
            PasswordHash = PasswordHash.Create(Password),
            FirstName = "First",
            LastName = "Last",
            Email = name + "@example.org",
            State = "enabled",
            Created = DateTimeOffset.UtcNow,
        };
        var pair = new UserKeyId(Guid.NewGuid());
        var keys = new UserKeyRow
        {
            Id = pair,
            UserId = id,
            ApiKey = "KEY" + Guid.NewGuid().ToString("N"),
            SecretKey = secrets.Seal(SecretPurpose.UserSecretKey(pair), new Secret(secret)),
            Created = Rows.Now,
        };
        await db.InsertAsync(account, token: ct);
        await db.InsertAsync(user, token: ct);
        await db.InsertAsync(keys, token: ct);
        return new TestUser(name, user, account, domain, keys.ApiKey, secret);
    }
}

internal sealed class TimeOfRows : TimeProvider
{
    private readonly DateTimeOffset _started = System.GetUtcNow();

    public override DateTimeOffset GetUtcNow() => Rows.Now + (System.GetUtcNow() - _started);
}

internal sealed record TestUser(string Name, UserRow Row, AccountRow Account, DomainRow Domain, string ApiKey, string SecretKey);

/// <summary>An answer, with its one envelope opened.</summary>
internal sealed record ApiAnswer(HttpStatusCode Status, string Text, string? ContentType, string? Description, IReadOnlyList<string> Cookies)
{
    public int Code => (int)Status;

    public string Envelope => Json.EnumerateObject().Single().Name;

    public JsonElement Body => Json.EnumerateObject().Single().Value;

    public string? ErrorText => Body.TryGetProperty("errortext", out var text) ? text.GetString() : null;

    public JsonElement[] List(string key) => Body.TryGetProperty(key, out var list) ? [.. list.EnumerateArray()] : [];

    private JsonElement Json { get; } = JsonDocument.Parse(Text).RootElement;

    public ApiAnswer ShouldFail(int status)
    {
        Code.ShouldBe(status, Text);
        Body.GetProperty("errorcode").GetInt32().ShouldBe(status);
        Body.GetProperty("uuidList").GetArrayLength().ShouldBe(0);
        return this;
    }

    public ApiAnswer ShouldSucceed()
    {
        Code.ShouldBe(200, Text);
        return this;
    }
}

/// <summary>Everything that was logged.</summary>
internal sealed class LogLines : ILoggerProvider, ILogger
{
    private readonly System.Collections.Concurrent.ConcurrentQueue<string> _lines = new();

    public IReadOnlyCollection<string> Lines => [.. _lines];

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, Microsoft.Extensions.Logging.EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue(formatter(state, exception) + exception);

    public void Dispose()
    {
    }
}
