using System.Net;
using System.Net.Sockets;
using System.Net.NetworkInformation;
using System.Net.Security;
using System.Security.Authentication;
using Holdfast.Core.Failpoints;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;
using Holdfast.Server.Accounts;
using Holdfast.Server.Agents;
using Holdfast.Server.AffinityGroups;
using Holdfast.Server.Annotations;
using Holdfast.Server.Api;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.Events;
using Holdfast.Server.Hosts;
using Holdfast.Server.InstanceGroups;
using Holdfast.Server.Inventories;
using Holdfast.Server.Jobs;
using Holdfast.Server.Limits;
using Holdfast.Server.Machines;
using Holdfast.Server.Obligations;
using Holdfast.Server.Offerings;
using Holdfast.Server.Pools;
using Holdfast.Server.Reports;
using Holdfast.Server.ResourceDetails;
using Holdfast.Server.ResourceIcons;
using Holdfast.Server.Security;
using Holdfast.Server.Settings;
using Holdfast.Server.SshKeyPairs;
using Holdfast.Server.Store;
using Holdfast.Server.Sweeps;
using Holdfast.Server.Tags;
using Holdfast.Server.Tasks;
using Holdfast.Server.Templates;
using Holdfast.Server.Transactions;
using Holdfast.Server.UserData;
using Holdfast.Server.VmSchedules;
using Holdfast.Server.Volumes;
using Holdfast.Server.Zones;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace Holdfast.Server.Startup;

/// <summary>One server node: composition, start and end. Tests make as many as they like in one process.</summary>
internal sealed partial class ServerHost : IAsyncDisposable
{
    private const string TimeFormat = "yyyy-MM-ddTHH:mm:ss.fffZ";

    private readonly WebApplication _app;
    private readonly ServerOptions _options;
    private FileStream? _held;

    private ServerHost(WebApplication app, ServerOptions options)
    {
        _app = app;
        _options = options;
    }

    /// <summary>The node's services.</summary>
    public IServiceProvider Services => _app.Services;

    /// <summary>URL of the API, once started.</summary>
    public Uri ApiAddress { get; private set; } = new("http://127.0.0.1/");

    /// <summary>URL of the agent gateway, once started.</summary>
    public Uri GatewayAddress { get; private set; } = new("https://127.0.0.1/");

    /// <summary>Composes a node. Opens no port and no database.</summary>
    /// <param name="options">How.</param>
    /// <param name="configure">Changes services (a test's clock); null: nothing.</param>
    /// <returns>The node.</returns>
    /// <exception cref="StartRefusedException">An operator can remove what stands in the way.</exception>
    public static ServerHost Build(ServerOptions options, Action<IServiceCollection>? configure = null)
    {
        if (options.DatabaseFile is null)
        {
            // The database itself is in it.
            EnsureData(options);
        }

        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        if (options.JsonLog)
        {
            builder.Logging.AddJsonConsole(o =>
            {
                o.TimestampFormat = TimeFormat;
                o.UseUtcTimestamp = true;
            });
        }
        else
        {
            builder.Logging.AddSimpleConsole(o =>
            {
                o.SingleLine = true;
                o.TimestampFormat = TimeFormat + " ";
                o.UseUtcTimestamp = true;
            });
        }

        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);

        // The framework would believe everybody's X-Forwarded-For, even on the gateway, if a variable in the environment said so.
        builder.Configuration["ForwardedHeaders_Enabled"] = "false";
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;

            // In this order: StartAsync reads the addresses by it.
            kestrel.Listen(options.Listen, options.Port, ListenForClients);
            kestrel.Listen(options.AgentListen ?? options.Listen, options.AgentPort, ListenForAgents);
            kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(AgentGateway.PingSeconds);
            kestrel.Limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(2 * AgentGateway.PingSeconds);
        });

        AddServer(builder.Services, options);
        builder.Services.AddSingleton(options.Tls);
        builder.Services.AddSingleton<ApiCertificate>();
        builder.Services.AddHostedService(s => s.GetRequiredService<ApiCertificate>());
        configure?.Invoke(builder.Services);

        var app = builder.Build();

        // What arrives on the gateway's listener never reaches the API, and the other way round.
        app.MapWhen(
            context => context.Features.Get<AgentListener>() is not null,
            gateway => gateway.Run(AgentEndpoints.HandleAsync));
        if (options.TrustedProxies.Count > 0)
        {
            // After the gateway's branch: agents come by mutual TLS, whose peer is who it is.
            app.UseForwardedHeaders(Forwarded(options.TrustedProxies));
        }

        app.MapCloudStackApi();
        return new ServerHost(app, options);
    }

    /// <summary>Everything of a node but its listeners; the adapters (clock, ids, secrets, randomness, database) may be replaced afterwards.</summary>
    /// <param name="services">Where to.</param>
    /// <param name="options">How.</param>
    public static void AddServer(IServiceCollection services, ServerOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton(new JoinPlace(GatewayHost(options), options.AgentPort));
        services.AddSingleton(new ImageSources(options.AllowImageHosts));
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton<IIdSource>(s => new TimeOrderedIdSource(s.GetRequiredService<TimeProvider>()));
        services.AddSingleton<ISecretSource, SystemSecretSource>();
#pragma warning disable RS0030 // The one place where production randomness (back-off, MAC addresses) is made.
        services.AddSingleton(Random.Shared);
#pragma warning restore RS0030
        services.AddSingleton(DatabaseOptionsOf(options));
#if DEBUG
        services.AddSingleton(s => FailpointEnvironment.Read(s.GetRequiredService<TimeProvider>()));
#else
        services.AddSingleton(FailpointSet.None);
#endif
        services.AddSingleton<Database>();
        services.AddSingleton(_ => SecretBox.Open(Path.Combine(options.Data, InstallationKey.FileName)));
        services.AddSingleton<KeyChange>();
        services.AddSingleton<Bootstrap>();
        services.AddSingleton<Authority>();
        services.AddSingleton<WakeupHub>();
        services.AddSingleton(new ReconcileTimings());
        AddTurnParts(services);
        AddSweeps(services);
        services.AddSingleton<TurnServices>();
        services.AddSingleton<TurnFactory>();
        services.AddSingleton<Sweeper>();
        services.AddHostedService(s => s.GetRequiredService<Sweeper>());
        services.AddHostedService<NotificationListener>();
        services.AddSingleton<JoinDesk>();
        services.AddSingleton<JoinRate>();
        services.AddSingleton<HostReports>();
        services.AddSingleton<HostWatch>();
        services.AddSingleton<GuestDesk>();
        services.AddSingleton<IZoneOperations, ZoneOperations>();
        services.AddSingleton<IPodOperations, PodOperations>();
        services.AddSingleton<IClusterOperations, ClusterOperations>();
        services.AddSingleton<IOfferingOperations, OfferingOperations>();
        services.AddSingleton<ITemplateOperations, TemplateOperations>();
        services.AddSingleton<IStoragePoolOperations, StoragePoolOperations>();
        services.AddSingleton<VmNumbers>();
        services.AddSingleton<IVirtualMachineOperations, VirtualMachineOperations>();
        services.AddSingleton<IVolumeOperations, VolumeOperations>();
        services.AddSingleton<IObligationOperations, ObligationOperations>();
        services.AddSingleton<IInventoryOperations, InventoryOperations>();
        services.AddSingleton<IHostOperations, HostOperations>();
        services.AddSingleton<IAccountOperations, AccountOperations>();
        services.AddSingleton<IProjectOperations, ProjectOperations>();
        services.AddSingleton<IUserOperations, UserOperations>();
        services.AddSingleton<IUserKeyOperations, UserKeyOperations>();
        services.AddSingleton<ISecondFactorOperations, SecondFactorOperations>();
        services.AddSingleton<IDomainOperations, DomainOperations>();
        services.AddSingleton<IRoleOperations, RoleOperations>();
        services.AddSingleton<ILimitOperations, LimitOperations>();
        services.AddSingleton<ITagOperations, TagOperations>();
        services.AddSingleton<IResourceDetailOperations, ResourceDetailOperations>();
        services.AddSingleton<IResourceIconOperations, ResourceIconOperations>();
        services.AddSingleton<ISshKeyPairOperations, SshKeyPairOperations>();
        services.AddSingleton<IUserDataOperations, UserDataOperations>();
        services.AddSingleton<IInstanceGroupOperations, InstanceGroupOperations>();
        services.AddSingleton<IAffinityGroupOperations, AffinityGroupOperations>();
        services.AddSingleton<IVmScheduleOperations, VmScheduleOperations>();
        services.AddSingleton<IAnnotationOperations, AnnotationOperations>();
        services.AddSingleton<IEventOperations, EventOperations>();
        services.AddSingleton<IConfigurationOperations, ConfigurationOperations>();
        services.AddCloudStackApi();
        services.AddSingleton<IJobResultRenderer, JobResultRenderer>();
        services.AddSingleton<EntityKinds>();
        services.AddSingleton<JobTypes>();
        foreach (var kind in ServerKinds.All)
        {
            services.AddSingleton(kind);
        }

        foreach (var kind in ServerKinds.Detailed)
        {
            services.AddSingleton(kind);
        }

        foreach (var job in ServerKinds.Jobs)
        {
            services.AddSingleton(job);
        }

        foreach (var commands in ServerCommands.Groups)
        {
            services.AddSingleton(commands);
        }
    }

    // Asked in this order.
    private static void AddTurnParts(IServiceCollection services)
    {
        services.AddSingleton<TurnParts>();
        services.AddSingleton(TurnPartType.For<Inventory>());
        services.AddSingleton(TurnPartType.For<BindingObserver>());
        services.AddSingleton(TurnPartType.For<MachineObserver>());
        services.AddSingleton(TurnPartType.For<TaskObserver>());
        services.AddSingleton(TurnPartType.For<VolumeFollower>());
        services.AddSingleton(TurnPartType.For<TemplateFollower>());
        services.AddSingleton(TurnPartType.For<MachineSettler>());
        services.AddSingleton(TurnPartType.For<VolumeSettler>());
        services.AddSingleton(TurnPartType.For<PoolSettler>());
        services.AddSingleton(TurnPartType.For<HostSettler>());
        services.AddSingleton(TurnPartType.For<AccountSettler>());
        services.AddSingleton(TurnPartType.For<ProjectSettler>());
        services.AddSingleton(TurnPartType.For<DomainSettler>());
    }

    private static void AddSweeps(IServiceCollection services)
    {
        services.AddSingleton<ISweep, HostSweep>();
        services.AddSingleton<ISweep, TaskSweep>();
        services.AddSingleton<ISweep, JobSweep>();
        services.AddSingleton<ISweep, MachineSweep>();
        services.AddSingleton<ISweep, PoolSweep>();
        services.AddSingleton<ISweep, InventorySweep>();
        services.AddSingleton<ISweep, VolumeSweep>();
        services.AddSingleton<ISweep, TemplateSweep>();
        services.AddSingleton<ISweep, ObligationSweep>();
        services.AddSingleton<ISweep, ReportSweep>();
        services.AddSingleton<ISweep, AccountSweep>();
        services.AddSingleton<ISweep, VmScheduleSweep>();
        services.AddSingleton<ISweep, EventSweep>();
    }

    /// <summary>Migrates, bootstraps, listens, writes admin.ini.</summary>
    /// <exception cref="StartRefusedException">An operator can remove what stands in the way.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (_options is { Tls: ApiTls.None, AllowPlainHttp: false } && !IPAddress.IsLoopback(_options.Listen))
        {
            throw new StartRefusedException(
                $"The API would listen on {_options.Listen} without TLS, where passwords, sessions and secret keys can be read on their way. Give it a certificate (--tls-certificate FILE, "
                + "or --tls-names NAME for one of the installation's own authority), or have it listen on 127.0.0.1 behind a proxy that speaks TLS, or say --allow-plain-http.");
        }

        var certificate = _app.Services.GetRequiredService<ApiCertificate>();
        if (certificate.Open() is { } unusable)
        {
            throw new StartRefusedException($"The API's certificate cannot be used: {unusable}");
        }

        var database = _app.Services.GetRequiredService<Database>();
        await InstallationKey.CheckAsync(database, _options.Data, cancellationToken);
        EnsureData(_options);
        Hold();
        foreach (var (address, port, option) in ((IPAddress, int, string)[])[(_options.Listen, _options.Port, "--port"), (_options.AgentListen ?? _options.Listen, _options.AgentPort, "--agent-port")])
        {
            CheckFree(address, port, option);
        }

        await database.MigrateAsync(cancellationToken);
        await _app.Services.GetRequiredService<KeyChange>().RunAsync(cancellationToken);
        var bootstrap = _app.Services.GetRequiredService<Bootstrap>();
        var first = await bootstrap.RunAsync(cancellationToken);
        var authority = _app.Services.GetRequiredService<Authority>();
        await authority.OpenAsync(GatewayNames(), cancellationToken);
        await _app.StartAsync(cancellationToken);
        var addresses = _app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.ToList();
        ApiAddress = new Uri(addresses[0]);
        GatewayAddress = new Uri(addresses[1]);
        string? verify = null;
        if (_options.Tls is ApiTls.OwnAuthority)
        {
            verify = Path.Combine(_options.Data, "authority.pem");
            PrivateFile.Write(verify, authority.CertificatePem);
        }

        await bootstrap.WriteAdminFileAsync(Path.Combine(_options.Data, "admin.ini"), EndpointFor(certificate).ToString(), verify, first, cancellationToken);
    }

    /// <summary>Says that the node serves, in a line that whoever started it can wait for.</summary>
    public async Task TellReadyAsync()
    {
        if (_options.JsonLog)
        {
            // What reads the output takes every line for an object.
            LogReady(_app.Logger, ApiAddress, GatewayAddress);
        }
        else
        {
            await Console.Out.WriteLineAsync($"ready: {ApiAddress} (agents: {GatewayAddress})");
        }
    }

    /// <summary>Waits until the process is told to end.</summary>
    public Task WaitForShutdownAsync() => _app.WaitForShutdownAsync();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        if (_held is not null)
        {
            await _held.DisposeAsync();
        }
    }

    private void Hold()
    {
        if (!_options.HoldsData)
        {
            return;
        }

        try
        {
            _held = new FileStream(Path.Combine(_options.Data, "server.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            throw new StartRefusedException($"Another server uses {_options.Data}. A further server of an installation has a data folder of its own, and the installation a PostgreSQL database (--database).");
        }
    }

    // Asked first, because a listener that cannot be had ends in pages of the framework's. Whoever takes the port in the moment between is met by the framework all the same.
    private static void CheckFree(IPAddress address, int port, string option)
    {
        using var listener = new TcpListener(address, port);
        try
        {
            listener.Start();
        }
        catch (SocketException taken)
        {
            throw new StartRefusedException($"{option} {port}: {address} cannot be listened on: {taken.Message}");
        }
    }

    private static ForwardedHeadersOptions Forwarded(IReadOnlyList<System.Net.IPNetwork> proxies)
    {
        // Any number of proxies after one another: each address is believed from a named one only, so the first that is not named is who asks.
        var options = new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto, ForwardLimit = null };
        options.KnownProxies.Clear();
        options.KnownIPNetworks.Clear();
        foreach (var proxy in proxies)
        {
            options.KnownIPNetworks.Add(proxy);
        }

        return options;
    }

    // What clients are told: a name that the certificate bears, and no address that only means "all".
    private Uri EndpointFor(ApiCertificate certificate)
    {
        var name = _options.Tls is ApiTls.None ? null : certificate.Name;
        var any = _options.Listen.Equals(IPAddress.Any) || _options.Listen.Equals(IPAddress.IPv6Any);
        return new UriBuilder(ApiAddress) { Host = name ?? (any ? "127.0.0.1" : ApiAddress.Host), Path = ApiEndpoint.Path }.Uri;
    }

    [LoggerMessage(EventId = 2023, Level = LogLevel.Information, Message = "ready: {Api} (agents: {Gateway})")]
    private static partial void LogReady(ILogger logger, Uri api, Uri gateway);

    private static void ListenForClients(ListenOptions listen)
    {
        if (listen.ApplicationServices.GetRequiredService<ApiTls>() is ApiTls.None)
        {
            return;
        }

        // By the callback for the whole handshake, not by the selector of a certificate: only so the certificates in between are sent.
        var certificate = listen.ApplicationServices.GetRequiredService<ApiCertificate>();
        listen.UseHttps(new TlsHandshakeCallbackOptions
        {
            OnConnection = _ => ValueTask.FromResult(new SslServerAuthenticationOptions
            {
                EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
                ServerCertificateContext = certificate.Current,
            }),
        });
    }

    private static void ListenForAgents(ListenOptions listen)
    {
        var authority = listen.ApplicationServices.GetRequiredService<Authority>();
        listen.Protocols = HttpProtocols.Http1AndHttp2;
        listen.Use(next => connection =>
        {
            connection.Features.Set(AgentListener.Instance);
            return next(connection);
        });
        listen.UseHttps(https =>
        {
            https.SslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13;
            https.ServerCertificateSelector = (_, _) => authority.ServerCertificate();

            // A joining agent has none; whose certificate it is, and whether it still counts, is asked per request.
            https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
            https.OnAuthenticate = (_, tls) => tls.CertificateChainPolicy = authority.AgentPolicy();
            https.ClientCertificateValidation = (certificate, _, _) => authority.IncarnationOf(certificate) is not null;
        });
    }

    // What agents of other machines can call it by; where it listens on one address only, that.
    private static string GatewayHost(ServerOptions options) =>
        (options.AgentListen ?? options.Listen) is var address && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any)) ? Dns.GetHostName() : address.ToString();

    private static List<string> GatewayNames() =>
    [
        "localhost",
        Dns.GetHostName(),
        .. NetworkInterface.GetAllNetworkInterfaces()
            .SelectMany(n => n.GetIPProperties().UnicastAddresses)
            .Where(a => !a.Address.IsIPv6LinkLocal)
            .Select(a => a.Address.ToString()),
    ];

    private static void EnsureData(ServerOptions options)
    {
        try
        {
            PrivateFile.EnsureFolder(options.Data);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw new StartRefusedException($"--data: {refused.Message}");
        }
    }

    private static DatabaseOptions DatabaseOptionsOf(ServerOptions options)
    {
        if (options.DatabaseFile is not { } file)
        {
            return new DatabaseOptions.Sqlite(Path.Combine(options.Data, "holdfast.db"));
        }

        try
        {
            var text = File.ReadAllText(file).Trim();
            return new NpgsqlConnectionStringBuilder(text) is { Host.Length: > 0 }
                ? new DatabaseOptions.PostgreSql(text)
                : throw new StartRefusedException($"--database: {file} names no Host.");
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new StartRefusedException($"--database: {file} cannot be used: {refused.Message}");
        }
    }

    // Marks connections that came in by the gateway's port.
    private sealed class AgentListener
    {
        public static AgentListener Instance { get; } = new();
    }
}
