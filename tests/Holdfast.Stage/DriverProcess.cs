using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using Holdfast.Protocol;
using Holdfast.Protocol.Driver;

namespace Holdfast.Staging;

/// <summary>The driver process of a pool on this host, looked at from outside the agent.</summary>
/// <param name="ProcessId">Its process id.</param>
/// <param name="Socket">The Unix socket it listens on.</param>
/// <param name="StateFolder">Its folder.</param>
internal sealed record DriverProcess(int ProcessId, string Socket, string StateFolder)
{
    /// <summary>Whether the process is there.</summary>
    public bool IsRunning => Directory.Exists($"/proc/{ProcessId.ToString(CultureInfo.InvariantCulture)}");

    /// <summary>Asks it what it was asked.</summary>
    /// <returns>Its call log.</returns>
    public async Task<CallLog> CallsAsync()
    {
        using var http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(Socket), cancellationToken);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
        })
        { Timeout = TimeSpan.FromSeconds(5) };
        await using var body = await http.GetStreamAsync(new Uri("http://driver" + DriverPaths.Calls));
        return (await JsonSerializer.DeserializeAsync(body, DriverJson.Default.CallLog))!;
    }

    /// <summary>How many calls it had that a VM or a volume is behind; the agent's looks at its health and inventory name no volume and are not among them.</summary>
    /// <returns>The number.</returns>
    public async Task<long> WorkCallsAsync() =>
        (await CallsAsync()).Calls.Where(call => call.Key.Contains('*', StringComparison.Ordinal)).Sum(call => call.Value);
}
