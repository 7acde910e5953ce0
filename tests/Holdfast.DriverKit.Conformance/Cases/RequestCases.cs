using System.Net.Sockets;
using System.Text;
using Holdfast.Protocol.Driver;
using static Holdfast.DriverKit.Conformance.ConformanceRun;

namespace Holdfast.DriverKit.Conformance.Cases;

/// <summary>What a driver does with requests that are wrong.</summary>
internal static class RequestCases
{
    private const int LongBody = 1024 * 1024;

    internal static IReadOnlyList<ConformanceCase> All { get; } =
    [
        Invalid("An unknown path is invalid", HttpMethod.Get, _ => "/v1/nothing"),
        Invalid("The root is invalid", HttpMethod.Get, _ => "/"),
        Invalid("Another version's path is invalid", HttpMethod.Get, _ => "/v2/info"),
        Invalid("A wrong method is invalid", HttpMethod.Delete, _ => DriverPaths.Info),
        Invalid("A method that nobody knows is invalid", new HttpMethod("FROBNICATE"), _ => DriverPaths.Info),
        Invalid("An id that is no UUID is invalid", HttpMethod.Get, _ => "/v1/volumes/not-an-id"),
        Invalid("An id that leads out of a folder is invalid", HttpMethod.Get, _ => "/v1/volumes/..%2F..%2Fetc%2Fpasswd"),
        Invalid("An empty id is invalid", HttpMethod.Get, _ => "/v1/volumes/00000000-0000-0000-0000-000000000000"),
        Invalid("A body that is not JSON is invalid", HttpMethod.Put, NewPath, "{\"generation\":"),
        Invalid("A body that is null is invalid", HttpMethod.Put, NewPath, "null"),
        Invalid("A body that is an array is invalid", HttpMethod.Put, NewPath, "[]"),
        Invalid("A body that is missing is invalid", HttpMethod.Put, NewPath),
        Invalid("A body without its required members is invalid", HttpMethod.Put, NewPath, "{\"generation\":1}"),
        Invalid("A member of the wrong type is invalid", HttpMethod.Put, NewPath, "{\"generation\":1,\"sizeBytes\":\"big\",\"source\":{\"type\":\"empty\"}}"),
        Invalid("A source that is null is invalid", HttpMethod.Put, NewPath, "{\"generation\":1,\"sizeBytes\":1048576,\"source\":null}"),
        Invalid("A source of an unknown kind is invalid", HttpMethod.Put, NewPath, "{\"generation\":1,\"sizeBytes\":1048576,\"source\":{\"type\":\"wish\"}}"),
        Invalid("A size of zero is invalid", HttpMethod.Put, NewPath, "{\"generation\":1,\"sizeBytes\":0,\"source\":{\"type\":\"empty\"}}"),
        Invalid("A size below zero is invalid", HttpMethod.Put, NewPath, "{\"generation\":1,\"sizeBytes\":-1,\"source\":{\"type\":\"empty\"}}"),
        Invalid("Generation zero is invalid", HttpMethod.Put, NewPath, "{\"generation\":0,\"sizeBytes\":1048576,\"source\":{\"type\":\"empty\"}}"),
        Invalid("A generation below zero is invalid", HttpMethod.Put, NewPath, "{\"generation\":-5,\"sizeBytes\":1048576,\"source\":{\"type\":\"empty\"}}"),
        Invalid("A generation beyond 64 bits is invalid", HttpMethod.Put, NewPath, "{\"generation\":99999999999999999999,\"sizeBytes\":1048576,\"source\":{\"type\":\"empty\"}}"),
        Invalid("Deleting without a generation is invalid", HttpMethod.Delete, NewPath),
        Invalid("Deleting with a generation that is no number is invalid", HttpMethod.Delete, _ => NewPath(null!) + "?generation=x"),
        Invalid("Releasing without a mode is invalid", HttpMethod.Delete, _ => DriverPaths.Attachment(NewVolume()) + "?generation=1"),
        Invalid("Releasing with an unknown mode is invalid", HttpMethod.Delete, _ => DriverPaths.Attachment(NewVolume()) + "?generation=1&mode=fly"),
        Invalid("Attaching for an unknown mode is invalid", HttpMethod.Put, _ => DriverPaths.Attachment(NewVolume()), "{\"generation\":1,\"mode\":\"fly\"}"),
        Invalid("Attaching for a mode by number is invalid", HttpMethod.Put, _ => DriverPaths.Attachment(NewVolume()), "{\"generation\":1,\"mode\":0}"),
        new("A deadline that is no number is invalid", async run =>
            (await run.Client.RawAsync(HttpMethod.Get, DriverPaths.Volumes, null, (DriverPaths.DeadlineHeader, "soon"))).Fails(DriverErrorCode.Invalid)),
        new("A deadline of zero is invalid", async run =>
            (await run.Client.RawAsync(HttpMethod.Get, DriverPaths.Volumes, null, (DriverPaths.DeadlineHeader, "0"))).Fails(DriverErrorCode.Invalid)),
        new("A call without a deadline is answered", async run =>
        {
            run.Client.DeadlineMs = null;
            (await run.Client.VolumesAsync()).Ok();
        }),
        new("Members that nobody knows are ignored", async run =>
            (await run.Client.RawAsync(
                HttpMethod.Put,
                NewPath(run),
                $"{{\"generation\":1,\"sizeBytes\":{run.Size},\"source\":{{\"type\":\"empty\",\"more\":[1,2]}},\"fromTheFuture\":{{\"a\":1}}}}")).Ok()),
        new("A body that is too long is invalid or cut off, and the driver goes on", async run =>
        {
            var body = $"{{\"label\":\"{new string('x', LongBody)}\",\"generation\":1,\"sizeBytes\":{run.Size},\"source\":{{\"type\":\"empty\"}}}}";
            try
            {
                (await run.Client.RawAsync(HttpMethod.Put, NewPath(run), body)).Fails(DriverErrorCode.Invalid);
            }
            catch (HttpRequestException)
            {
                // Cut off while the body was still on its way.
            }

            (await run.Client.InfoAsync()).Ok();
            Must((await run.Client.VolumesAsync()).Ok().Volumes.Count == 0, "a volume came of it");
        }),
        new("Bytes that are not HTTP do no harm", async run =>
        {
            foreach (var bytes in new[] { "\0\u0001\u0002garbage\r\n\r\n", "GET\r\n\r\n", new string('A', 100_000), "PUT /v1/volumes HTTP/1.1\r\nContent-Length: -1\r\n\r\n" })
            {
                using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(run.Startup.Socket));
                try
                {
                    await socket.SendAsync(Encoding.Latin1.GetBytes(bytes));
                }
                catch (SocketException)
                {
                    // It may hang up before it has read everything.
                }
            }

            (await run.Client.InfoAsync()).Ok();
        }),
        new("A caller that hangs up in the middle does no harm", async run =>
        {
            for (var round = 0; round < 10; round++)
            {
                using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(run.Startup.Socket));
                await socket.SendAsync(Encoding.ASCII.GetBytes("PUT /v1/volumes/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"));
            }

            (await run.Client.InfoAsync()).Ok();
        }),
        new("Invalid requests leave nothing behind", async run =>
        {
            foreach (var body in new[] { "{}", "null", "{\"generation\":1,\"sizeBytes\":-1,\"source\":{\"type\":\"empty\"}}" })
            {
                (await run.Client.RawAsync(HttpMethod.Put, NewPath(run), body)).Fails(DriverErrorCode.Invalid);
            }

            Must((await run.Client.VolumesAsync()).Ok().Volumes.Count == 0, "a volume came of it");
            Must((await run.Client.AttachmentsAsync()).Ok().Attachments.Count == 0, "an attachment came of it");
        }),
    ];

    private static string NewPath(ConformanceRun run) => DriverPaths.Volume(NewVolume());

    private static ConformanceCase Invalid(string name, HttpMethod method, Func<ConformanceRun, string> path, string? body = null) =>
        new(name, async run => (await run.Client.RawAsync(method, path(run), body)).Fails(DriverErrorCode.Invalid));
}
