using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Holdfast.Drivers.Tests.Linstor;

/// <summary>A listener that answers byte for byte what a test says: for what a well-behaved HTTP server cannot be made to do.</summary>
internal sealed class ScriptedController : IAsyncDisposable
{
    public const string Version = "{\"version\":\"1.33.2\",\"rest_api_version\":\"1.27.0\"}";

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<Request, Task> _answer;
    private readonly X509Certificate2? _certificate;
    private readonly Task _loop;
    private readonly ConcurrentBag<Task> _connections = [];

    public ScriptedController(Func<Request, Task> answer, X509Certificate2? certificate = null)
    {
        _answer = answer;
        _certificate = certificate;
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _loop = AcceptAsync();
    }

    public int Port { get; }

    public string Url => $"{(_certificate is null ? "http" : "https")}://127.0.0.1:{Port}";

    public ConcurrentQueue<string> Requests { get; } = new();

    public ConcurrentQueue<string> Heads { get; } = new();

    /// <summary>Answers health and version as a well controller does, everything else as told.</summary>
    public static ScriptedController Healthy(Func<Request, Task> rest, X509Certificate2? certificate = null) => new(
        request => request.Line switch
        {
            "GET /health HTTP/1.1" => request.ReplyAsync(200, "Services running"),
            "GET /v1/controller/version HTTP/1.1" => request.ReplyAsync(200, Version),
            _ => rest(request),
        },
        certificate);

    /// <summary>A port on which nobody listens.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public int Count(string start) => Requests.Count(line => line.StartsWith(start, StringComparison.Ordinal));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _loop;
        await Task.WhenAll(_connections);
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_stop.Token);
                _connections.Add(ServeAsync(client));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var _ = client;
        try
        {
            Stream stream = client.GetStream();
            if (_certificate is not null)
            {
                var tls = new SslStream(stream);
                await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = _certificate }, _stop.Token);
                stream = tls;
            }

            while (await ReadAsync(stream) is { } request)
            {
                Requests.Enqueue(request.Line);
                Heads.Enqueue(request.Head);
                await _answer(request);
                if (request.Closed)
                {
                    return;
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or SocketException or System.Security.Authentication.AuthenticationException)
        {
        }
    }

    private async Task<Request?> ReadAsync(Stream stream)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            if (await stream.ReadAsync(one, _stop.Token) == 0)
            {
                return null;
            }

            head.Append((char)one[0]);
        }

        var text = head.ToString();
        var lengthLine = text.Split("\r\n").FirstOrDefault(static l => l.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase));
        var body = new byte[lengthLine is null ? 0 : int.Parse(lengthLine.Split(':')[1])];
        await stream.ReadExactlyAsync(body, _stop.Token);
        return new Request(text.Split("\r\n")[0], text, Encoding.UTF8.GetString(body), stream, _stop.Token);
    }

    internal sealed class Request(string line, string head, string body, Stream stream, CancellationToken stop)
    {
        public string Line => line;

        public string Head => head;

        public string Body => body;

        public bool Closed { get; private set; }

        public CancellationToken Stop => stop;

        public Task ReplyAsync(int status, string json, string headers = "") =>
            RawAsync($"HTTP/1.1 {status} X\r\nContent-Length: {Encoding.UTF8.GetByteCount(json)}\r\n{headers}\r\n{json}");

        public async Task RawAsync(string bytes)
        {
            await stream.WriteAsync(Encoding.UTF8.GetBytes(bytes), stop);
            await stream.FlushAsync(stop);
        }

        public Task CloseAsync()
        {
            Closed = true;
            return Task.CompletedTask;
        }

        public Task SilenceAsync() => Task.Delay(Timeout.Infinite, stop);

        public async Task CrawlAsync(string bytes)
        {
            foreach (var one in bytes)
            {
                await RawAsync(one.ToString());
                await Task.Delay(TimeSpan.FromMilliseconds(200), stop);
            }
        }
    }
}
