using System.Net.Sockets;
using System.Text.Json;
using Holdfast.Protocol;
using Holdfast.Protocol.Host;
using Holdfast.Protocol.Http;

namespace Holdfast.Cli.Host;

/// <summary>Asks the agent of a folder for its state, on its Unix socket. Nothing else is touched: no server, no libvirt, no storage.</summary>
internal static class StatusClient
{
    /// <summary>Asks.</summary>
    /// <param name="folder">The agent's folder.</param>
    /// <param name="patience">How long to wait for the answer; an agent that is frozen accepts and says nothing.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the asking.</param>
    /// <returns>What it came to.</returns>
    public static async Task<StatusAnswer> AskAsync(string folder, TimeSpan patience, TimeProvider time, CancellationToken cancellationToken)
    {
        var path = Path.Combine(folder, AgentStatus.SocketName);
        if (!Directory.Exists(folder))
        {
            return new StatusAnswer.Untold($"there is no folder {folder}");
        }

        if (!File.Exists(path))
        {
            return new StatusAnswer.Untold($"no agent runs: there is no socket {path}");
        }

        using var bound = new CancellationTokenSource(patience, time);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(bound.Token, cancellationToken);
        using var handler = new SocketsHttpHandler { ConnectCallback = (_, token) => ConnectAsync(path, token) };
        using var client = new HttpClient(new ConnectFaultHandler(handler));
        try
        {
            var document = await client.GetStringAsync(new Uri("http://agent/"), ends.Token);
            return JsonSerializer.Deserialize(document, LocalStatusJson.Default.AgentStatus) is { } status
                ? new StatusAnswer.Told(status, document)
                : new StatusAnswer.Untold($"the agent's answer on {path} is empty");
        }
        catch (OperationCanceledException) when (bound.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return new StatusAnswer.Untold($"the agent does not answer on {path} within {patience.TotalSeconds:0} s");
        }
        catch (HttpRequestException failure) when (failure.InnerException is SocketException refused)
        {
            return new StatusAnswer.Untold($"no agent runs: {path}: {refused.Message}");
        }
        catch (Exception failure) when (failure is HttpRequestException or JsonException)
        {
            return new StatusAnswer.Untold($"the agent's answer on {path} cannot be read: {failure.Message}");
        }
    }

    private static async ValueTask<Stream> ConnectAsync(string path, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
