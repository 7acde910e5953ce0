using System.Net;
using System.Net.Security;
using System.Net.ServerSentEvents;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Shouldly;
using Xunit;

namespace Holdfast.FaultInjection.Tests;

/// <summary>What agents and servers speak: TLS, HTTP/2 and event streams go through untouched, and are held and go on like anything else.</summary>
public sealed class TlsThroughTests
{
    [Fact]
    public async Task EventStreamOverHttp2AndTls_GoesThrough_IsHeldByABlackHole_AndGoesOn()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var more = new SemaphoreSlim(1);
        using var certificate = NewCertificate();
        await using var server = await StartServerAsync(certificate, more, limit.Token);
        var port = new Uri(server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()).Port;
        await using var proxy = FaultProxy.Start(new IPEndPoint(IPAddress.Loopback, port));
        using var client = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, presented, _, _) => presented?.GetCertHashString() == certificate.GetCertHashString() },
        })
        { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using var response = await client.GetAsync(new Uri($"https://{proxy.EndPoint}/events"), HttpCompletionOption.ResponseHeadersRead, limit.Token);
        response.Version.ShouldBe(HttpVersion.Version20);
        await using var events = SseParser.Create(await response.Content.ReadAsStreamAsync(limit.Token)).EnumerateAsync(limit.Token).GetAsyncEnumerator(limit.Token);
        (await events.MoveNextAsync()).ShouldBeTrue();
        events.Current.Data.ShouldBe("event 0");

        await proxy.SetAsync(new ProxyFault(ProxyMode.Blackhole), limit.Token);
        more.Release();
        var next = events.MoveNextAsync().AsTask();
        await Task.Delay(TimeSpan.FromMilliseconds(300), limit.Token);
        next.IsCompleted.ShouldBeFalse();
        await proxy.SetAsync(ProxyFault.None, limit.Token);
        (await next).ShouldBeTrue();
        events.Current.Data.ShouldBe("event 1");
        proxy.Counters.Accepted.ShouldBe(1);
    }

    private static X509Certificate2 NewCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256);
        using var made = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, new DateTimeOffset(2100, 1, 1, 0, 0, 0, TimeSpan.Zero));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }

    private static async Task<WebApplication> StartServerAsync(X509Certificate2 certificate, SemaphoreSlim more, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));
        var app = builder.Build();
        app.Run(async context =>
        {
            context.Response.ContentType = "text/event-stream";
            for (var number = 0; ; number++)
            {
                await more.WaitAsync(context.RequestAborted);
                await context.Response.WriteAsync($"data: event {number}\n\n", context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
            }
        });
        await app.StartAsync(cancellationToken);
        return app;
    }
}
