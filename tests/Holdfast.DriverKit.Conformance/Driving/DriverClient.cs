using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Holdfast.Core.Ids;
using Holdfast.DriverKit.Conformance.Contract;
using Holdfast.Protocol;
using Holdfast.Protocol.Driver;

namespace Holdfast.DriverKit.Conformance.Driving;

/// <summary>Speaks the protocol, and compares every answer with the OpenAPI file.</summary>
public sealed class DriverClient : IDisposable
{
    private static readonly OpenApiDocument Contract = OpenApiDocument.Load();
    private readonly HttpClient _http;
    private readonly List<string> _bodies = [];
    private readonly MadeObjects _made;

    /// <summary>Makes a client.</summary>
    /// <param name="socket">The driver's socket.</param>
    /// <param name="deadline">Deadline of calls.</param>
    /// <param name="made">Where it is written down what was asked for.</param>
    public DriverClient(string socket, TimeSpan deadline, MadeObjects made)
    {
        _made = made;
        DeadlineMs = (long)deadline.TotalMilliseconds;
        _http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellationToken) =>
            {
                var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancellationToken);
                    return new NetworkStream(connection, ownsSocket: true);
                }
                catch
                {
                    connection.Dispose();
                    throw;
                }
            },
        })
        {
            BaseAddress = new Uri("http://localhost"),
            Timeout = deadline + TimeSpan.FromSeconds(40),
        };
    }

    /// <summary>Everything the driver answered so far.</summary>
    public IReadOnlyList<string> Bodies
    {
        get
        {
            lock (_bodies)
            {
                return [.. _bodies];
            }
        }
    }

    /// <summary>Deadline of the following calls in milliseconds; null: the header is left out.</summary>
    public long? DeadlineMs { get; set; }

    public Task<DriverAnswer<DriverInfo>> InfoAsync() => CallAsync(HttpMethod.Get, DriverPaths.Info, null, DriverJson.Default.DriverInfo);

    public Task<DriverAnswer<PoolStatus>> StatusAsync() => CallAsync(HttpMethod.Get, DriverPaths.Status, null, DriverJson.Default.PoolStatus);

    public Task<DriverAnswer<PoolStatus>> ProbeAsync() => CallAsync(HttpMethod.Post, DriverPaths.Probe, null, DriverJson.Default.PoolStatus);

    public Task<DriverAnswer<CallLog>> CallsAsync() => CallAsync(HttpMethod.Get, DriverPaths.Calls, null, DriverJson.Default.CallLog);

    public Task<DriverAnswer<VolumeList>> VolumesAsync() => CallAsync(HttpMethod.Get, DriverPaths.Volumes, null, DriverJson.Default.VolumeList);

    public Task<DriverAnswer<AttachmentList>> AttachmentsAsync() =>
        CallAsync(HttpMethod.Get, DriverPaths.Attachments, null, DriverJson.Default.AttachmentList);

    public Task<DriverAnswer<VolumeReply>> EnsureAsync(VolumeId volume, long generation, long size, VolumeSource? source = null)
    {
        _made.Add(volume);
        return CallAsync(
            HttpMethod.Put,
            DriverPaths.Volume(volume),
            Body(
                new EnsureVolumeRequest
                {
                    Generation = new Generation(generation),
                    SizeBytes = size,
                    Source = source ?? new VolumeSource.Empty(),
                    Label = "conformance",
                },
                DriverJson.Default.EnsureVolumeRequest),
            DriverJson.Default.VolumeReply);
    }

    public Task<DriverAnswer<VolumeReply>> GetAsync(VolumeId volume) =>
        CallAsync(HttpMethod.Get, DriverPaths.Volume(volume), null, DriverJson.Default.VolumeReply);

    public Task<DriverAnswer<DriverAck>> DeleteAsync(VolumeId volume, long generation) =>
        CallAsync(HttpMethod.Delete, $"{DriverPaths.Volume(volume)}?generation={generation}", null, DriverJson.Default.DriverAck);

    public Task<DriverAnswer<VolumeReply>> ResizeAsync(VolumeId volume, long generation, long size) =>
        CallAsync(
            HttpMethod.Post,
            DriverPaths.Resize(volume),
            Body(new ResizeVolumeRequest(new Generation(generation), size), DriverJson.Default.ResizeVolumeRequest),
            DriverJson.Default.VolumeReply);

    public Task<DriverAnswer<VolumeReply>> SealAsync(VolumeId volume, long generation) =>
        CallAsync(
            HttpMethod.Post,
            DriverPaths.Seal(volume),
            Body(new SealVolumeRequest(new Generation(generation)), DriverJson.Default.SealVolumeRequest),
            DriverJson.Default.VolumeReply);

    public Task<DriverAnswer<DriverAck>> SnapshotAsync(VolumeId volume, SnapshotId snapshot, long generation)
    {
        _made.Add(volume, snapshot);
        return CallAsync(
            HttpMethod.Put,
            DriverPaths.Snapshot(volume, snapshot),
            Body(new EnsureSnapshotRequest(new Generation(generation)), DriverJson.Default.EnsureSnapshotRequest),
            DriverJson.Default.DriverAck);
    }

    public Task<DriverAnswer<DriverAck>> DeleteSnapshotAsync(VolumeId volume, SnapshotId snapshot) =>
        CallAsync(HttpMethod.Delete, DriverPaths.Snapshot(volume, snapshot), null, DriverJson.Default.DriverAck);

    public Task<DriverAnswer<DriverAck>> RevertAsync(VolumeId volume, SnapshotId snapshot, long generation) =>
        CallAsync(
            HttpMethod.Post,
            DriverPaths.Revert(volume, snapshot),
            Body(new RevertRequest(new Generation(generation)), DriverJson.Default.RevertRequest),
            DriverJson.Default.DriverAck);

    public Task<DriverAnswer<AttachmentReply>> AttachAsync(VolumeId volume, long generation, AttachMode mode = AttachMode.Run, bool readOnly = false) =>
        CallAsync(
            HttpMethod.Put,
            DriverPaths.Attachment(volume),
            Body(
                new AttachRequest { Generation = new Generation(generation), Mode = mode, ReadOnly = readOnly },
                DriverJson.Default.AttachRequest),
            DriverJson.Default.AttachmentReply);

    public Task<DriverAnswer<DriverAck>> ReleaseAsync(VolumeId volume, long generation, AttachMode mode = AttachMode.Run) =>
        CallAsync(
            HttpMethod.Delete,
            $"{DriverPaths.Attachment(volume)}?mode={(mode switch { AttachMode.Run => "run", AttachMode.Copy => "copy", _ => "migrate-in" })}&generation={generation}",
            null,
            DriverJson.Default.DriverAck);

    public Task<DriverAnswer<DriverAck>> CutAsync(VolumeId volume, long generation) =>
        CallAsync(
            HttpMethod.Post,
            DriverPaths.Cut(volume),
            Body(new CutRequest(new Generation(generation)), DriverJson.Default.CutRequest),
            DriverJson.Default.DriverAck);

    public Task<DriverAnswer<DriverAck>> ResumeAsync(VolumeId volume, long generation) =>
        CallAsync(
            HttpMethod.Post,
            DriverPaths.Resume(volume),
            Body(new ResumeRequest(new Generation(generation)), DriverJson.Default.ResumeRequest),
            DriverJson.Default.DriverAck);

    /// <summary>Sends any request; the answer must be one that the protocol knows.</summary>
    /// <param name="method">HTTP method.</param>
    /// <param name="path">Path and query.</param>
    /// <param name="body">Body; null for none.</param>
    /// <param name="headers">More headers.</param>
    public async Task<DriverAnswer<object>> RawAsync(HttpMethod method, string path, string? body, params (string Name, string Value)[] headers)
    {
        var (status, content) = await SendAsync(method, path, body is null ? null : Encoding.UTF8.GetBytes(body), headers);
        var what = $"{method} {path}";
        return status == 200 ? new(what, content, null) : new(what, null, ErrorOf(what, status, content));
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private static byte[] Body<T>(T value, JsonTypeInfo<T> type) => JsonSerializer.SerializeToUtf8Bytes(value, type);

    private static string TemplateOf(string path)
    {
        var parts = path.Split('?')[0].Split('/');
        if (parts.Length > 3)
        {
            parts[3] = "{volume}";
        }

        if (parts.Length > 5)
        {
            parts[5] = "{snapshot}";
        }

        return string.Join('/', parts);
    }

    private static DriverError ErrorOf(string what, int status, string content)
    {
        var error = JsonSerializer.Deserialize(content, DriverJson.Default.DriverError)!;
        return DriverError.StatusOf(error.Code) == status
            ? error
            : throw new ConformanceException($"{what} answered {error.Code} with HTTP status {status} instead of {DriverError.StatusOf(error.Code)}");
    }

    private async Task<DriverAnswer<T>> CallAsync<T>(HttpMethod method, string path, byte[]? body, JsonTypeInfo<T> type)
        where T : class
    {
        var (status, content) = await SendAsync(method, path, body);
        var what = $"{method} {path}{(body is null ? string.Empty : " " + Encoding.UTF8.GetString(body))}";
        return status == 200 ? new(what, JsonSerializer.Deserialize(content, type)!, null) : new(what, null, ErrorOf(what, status, content));
    }

    private async Task<(int Status, string Content)> SendAsync(HttpMethod method, string path, byte[]? body, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path);
        if (DeadlineMs is { } deadline)
        {
            request.Headers.Add(DriverPaths.DeadlineHeader, deadline.ToString());
        }

        foreach (var (name, value) in headers)
        {
            request.Headers.Remove(name);
            request.Headers.TryAddWithoutValidation(name, value);
        }

        if (body is not null)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = new("application/json");
        }

        using var response = await _http.SendAsync(request);
        var content = await response.Content.ReadAsStringAsync();
        lock (_bodies)
        {
            _bodies.Add(content);
        }

        JsonDocument json;
        try
        {
            json = JsonDocument.Parse(content);
        }
        catch (JsonException)
        {
            throw new ConformanceException($"{method} {path} answered {(int)response.StatusCode} with something that is not JSON: {content}");
        }

        using (json)
        {
            if (Contract.Check(method.Method, TemplateOf(path), (int)response.StatusCode, json.RootElement) is { Count: > 0 } wrong)
            {
                throw new ConformanceException($"{method} {path} answered {(int)response.StatusCode} {content}, which the OpenAPI file does not allow: {string.Join("; ", wrong)}");
            }
        }

        return ((int)response.StatusCode, content);
    }
}
