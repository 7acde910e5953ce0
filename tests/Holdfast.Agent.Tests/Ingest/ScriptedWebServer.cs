using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Holdfast.Agent.Tests.Ingest;

/// <summary>A web server that answers each request with given bytes, right or wrong, and closes the connection.</summary>
internal sealed class ScriptedWebServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ends = new();
    private readonly Func<string, byte[]> _answer;
    private readonly Task _serving;

    public ScriptedWebServer(Func<string, byte[]> answer)
    {
        _answer = answer;
        _listener.Start();
        _serving = ServeAsync();
    }

    public string Host => $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    public static byte[] Answer(string head, ReadOnlySpan<byte> body) => [.. Encoding.ASCII.GetBytes(head.ReplaceLineEndings("\r\n") + "\r\n\r\n"), .. body];

    public static byte[] Ok(ReadOnlySpan<byte> body, string more = "") => Answer($"HTTP/1.1 200 OK\nContent-Length: {body.Length}{more}", body);

    public async ValueTask DisposeAsync()
    {
        await _ends.CancelAsync();
        await _serving;
        _listener.Stop();
        _ends.Dispose();
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                using var client = await _listener.AcceptTcpClientAsync(_ends.Token);
                await using var stream = client.GetStream();
                using var reader = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
                var request = await reader.ReadLineAsync(_ends.Token) ?? "";
                while (await reader.ReadLineAsync(_ends.Token) is { Length: > 0 })
                {
                    // The rest of the head says nothing that matters here.
                }

                try
                {
                    await stream.WriteAsync(_answer(request.Split(' ').ElementAtOrDefault(1) ?? ""), _ends.Token);
                }
                catch (IOException)
                {
                    // It wanted no more.
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }
}
