using System.Net;
using System.Net.Sockets;
using Holdfast.Protocol.Http;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Link;

/// <summary>A server that was killed in the moment after it had taken a connection ended the agent's watch for good: the exception was none that it knew.</summary>
public sealed class ConnectFaultHandlerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_connection_that_is_reset_as_soon_as_it_is_made_is_told_as_a_failed_request()
    {
        var cancellation = TestContext.Current.CancellationToken;
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var sockets = new SocketsHttpHandler { UseProxy = false, ConnectCallback = ConnectAsync };

        // What the handler is there for; should .NET stop to do so, this line tells that it can go.
        using (var bare = new HttpMessageInvoker(sockets, disposeHandler: false))
        {
            await Should.ThrowAsync<SocketException>(() => bare.SendAsync(Request(), cancellation));
        }

        using var client = new HttpClient(new ConnectFaultHandler(sockets));
        var told = await Should.ThrowAsync<HttpRequestException>(() => client.SendAsync(Request(), cancellation));
        told.HttpRequestError.ShouldBe(HttpRequestError.ConnectionError);
        told.InnerException.ShouldBeOfType<SocketException>();

        HttpRequestMessage Request() => new(HttpMethod.Get, $"http://{listener.LocalEndpoint}/");

        async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken ends)
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(listener.LocalEndpoint, ends);
            using (var taken = await listener.AcceptSocketAsync(ends))
            {
                taken.LingerState = new LingerOption(enable: true, seconds: 0);
            }

            // A reset makes it readable. It must not be read: the socket would know itself that it is not connected.
            var stream = new NetworkStream(socket, ownsSocket: true);
            socket.Poll(Patience, SelectMode.SelectRead).ShouldBeTrue($"the reset arrives within {Patience.TotalSeconds:0} s");
            return stream;
        }
    }
}
