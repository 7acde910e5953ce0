using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Holdfast.Agent.Loop;
using Holdfast.Protocol;
using Holdfast.Protocol.Host;

namespace Holdfast.Agent.LocalStatus;

/// <summary>
/// Answers any HTTP request on a Unix socket (mode 0600) in the data folder with the agent's state as JSON: <c>curl --unix-socket DATA/status http://agent/</c>
/// works while the server is away, and <c>holdfast host status</c> makes tables of it. An adapter; it only reads.
/// </summary>
internal sealed class StatusSocket : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private readonly AgentLoop _loop;
    private readonly Func<AgentStatus> _status;
    private readonly string _path;
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    /// <summary>Makes the socket and listens.</summary>
    public StatusSocket(AgentLoop loop, string dataFolder, Func<AgentStatus> status)
    {
        (_loop, _status, _path) = (loop, status, Path.Combine(dataFolder, AgentStatus.SocketName));
        File.Delete(_path);
        _listener.Bind(new UnixDomainSocketEndPoint(_path));
        File.SetUnixFileMode(_path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        _listener.Listen(8);
    }

    /// <summary>Starts to answer.</summary>
    public void Start() => _loop.Keep("local status", AcceptAsync);

    /// <inheritdoc/>
    public void Dispose()
    {
        _listener.Dispose();
        File.Delete(_path);
    }

    private async Task AcceptAsync()
    {
        while (!_loop.Stopping.IsCancellationRequested)
        {
            var connection = await _listener.AcceptAsync(_loop.Stopping);
            _loop.Spawn("local status request", () => AnswerAsync(connection));
        }
    }

    private async Task AnswerAsync(Socket connection)
    {
        using var deadline = new CancellationTokenSource(Patience, _loop.Time);
        using (connection)
        {
            try
            {
                var request = new byte[4096];
                var length = 0;
                while (length < request.Length && !Encoding.ASCII.GetString(request, 0, length).Contains("\r\n\r\n", StringComparison.Ordinal))
                {
                    var count = await connection.ReceiveAsync(request.AsMemory(length), deadline.Token);
                    if (count == 0)
                    {
                        break;
                    }

                    length += count;
                }

                var body = JsonSerializer.SerializeToUtf8Bytes(_status(), LocalStatusJson.Default.AgentStatus);
                var head = Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n");
                await connection.SendAsync(head, deadline.Token);
                await connection.SendAsync(body, deadline.Token);
            }
            catch (Exception exception) when (exception is SocketException or OperationCanceledException)
            {
                // Whoever asked went away or said nothing.
            }
        }
    }
}
