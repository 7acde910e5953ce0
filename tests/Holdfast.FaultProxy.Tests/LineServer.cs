using System.Net;
using System.Net.Sockets;

namespace Holdfast.FaultInjection.Tests;

/// <summary>A TCP server that answers each line with <c>HTTP/1.1 200 OK</c>, an empty line and a body of ten bytes, and remembers the lines.</summary>
internal sealed class LineServer : IAsyncDisposable
{
    public const string Answer = "HTTP/1.1 200 OK\r\n\r\n0123456789";

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Lock _lock = new(); // Guards the two below.
    private readonly List<string> _lines = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _accepted;

    public LineServer()
    {
        _listener.Start();
        Accepting = AcceptAsync();
    }

    public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndpoint;

    public int Accepted => Volatile.Read(ref _accepted);

    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lock)
            {
                return [.. _lines];
            }
        }
    }

    private Task Accepting { get; }

    public async Task HeardAsync(string line, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                if (_lines.Contains(line))
                {
                    return;
                }

                changed = _changed.Task;
            }

            await changed.WaitAsync(cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await Accepting;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync();
                Interlocked.Increment(ref _accepted);
                _ = ServeAsync(client);
            }
        }
        catch (Exception closed) when (closed is SocketException or ObjectDisposedException)
        {
            // The server ends.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                using var reader = new StreamReader(client.GetStream());
                while (await reader.ReadLineAsync() is { } line)
                {
                    TaskCompletionSource changed;
                    lock (_lock)
                    {
                        _lines.Add(line);
                        changed = _changed;
                        _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
                    }

                    changed.SetResult();
                    await client.GetStream().WriteAsync(System.Text.Encoding.ASCII.GetBytes(Answer));
                }
            }
            catch (IOException)
            {
                // Reset by the proxy, which is what it is for.
            }
        }
    }
}
