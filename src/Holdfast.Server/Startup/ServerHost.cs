using Holdfast.Core.Ids;
using Holdfast.Server.Api;
using Holdfast.Server.Security;
using Holdfast.Server.Store;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Holdfast.Server.Startup;

/// <summary>One server node: composition, start and end. Tests make as many as they like in one process.</summary>
internal sealed class ServerHost : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ServerOptions _options;

    private ServerHost(WebApplication app, ServerOptions options)
    {
        _app = app;
        _options = options;
    }

    /// <summary>The node's services.</summary>
    public IServiceProvider Services => _app.Services;

    /// <summary>URL of the API, once started.</summary>
    public Uri ApiAddress { get; private set; } = new("http://127.0.0.1/");

    /// <summary>Composes a node. Opens no port and no database.</summary>
    /// <param name="options">How.</param>
    /// <param name="configure">Changes services (a test's clock); null: nothing.</param>
    /// <returns>The node.</returns>
    public static ServerHost Build(ServerOptions options, Action<IServiceCollection>? configure = null)
    {
        PrivateFile.EnsureFolder(options.Data);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddSimpleConsole(o =>
        {
            o.SingleLine = true;
            o.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
            o.UseUtcTimestamp = true;
        });
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(options.Listen, options.Port);
        });

        var services = builder.Services;
        services.AddSingleton(options);
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton<IIdSource>(s => new TimeOrderedIdSource(s.GetRequiredService<TimeProvider>()));
        services.AddSingleton<ISecretSource, SystemSecretSource>();
#pragma warning disable RS0030 // The one place where production randomness (back-off, MAC addresses) is made.
        services.AddSingleton(Random.Shared);
#pragma warning restore RS0030
        services.AddSingleton(DatabaseOptionsOf(options));
        services.AddSingleton<Database>();
        services.AddSingleton(_ => SecretBox.Open(Path.Combine(options.Data, "secrets.key")));
        services.AddSingleton<Bootstrap>();
        services.AddCloudStackApi();
        configure?.Invoke(services);

        var app = builder.Build();
        app.MapCloudStackApi();
        return new ServerHost(app, options);
    }

    /// <summary>Migrates, bootstraps, listens, writes admin.ini.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var database = _app.Services.GetRequiredService<Database>();
        await database.MigrateAsync(cancellationToken);
        var bootstrap = _app.Services.GetRequiredService<Bootstrap>();
        var first = await bootstrap.RunAsync(cancellationToken);
        await _app.StartAsync(cancellationToken);
        var addresses = _app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses;
        ApiAddress = new Uri(addresses.First(a => a.StartsWith("http://", StringComparison.Ordinal)));
        await bootstrap.WriteAdminFileAsync(Path.Combine(_options.Data, "admin.ini"), new Uri(ApiAddress, "/client/api").ToString(), first, cancellationToken);
    }

    /// <summary>Waits until the process is told to end.</summary>
    public Task WaitForShutdownAsync() => _app.WaitForShutdownAsync();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static DatabaseOptions DatabaseOptionsOf(ServerOptions options) => options.DatabaseFile is null
        ? new DatabaseOptions.Sqlite(Path.Combine(options.Data, "holdfast.db"))
        : new DatabaseOptions.PostgreSql(File.ReadAllText(options.DatabaseFile).Trim());
}
