using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Holdfast.Agent.Drivers;
using Holdfast.Core.Ids;
using Holdfast.Protocol;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Http;

namespace Holdfast.Agent.Bindings.Processes;

/// <summary>The driver protocol over a Unix socket. An adapter: what comes back is checked and bounded, because a driver may be anybody's program.</summary>
internal sealed class HttpDriverClient : IDriverClient
{
    private const int LargestAnswer = 16 * 1024 * 1024;
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(1);
    private readonly HttpClient _client;
    private readonly TimeProvider _time;
    private long _calls;

    /// <summary>Makes a client.</summary>
    /// <param name="socket">The driver's socket.</param>
    /// <param name="time">The clock of the deadlines.</param>
    public HttpDriverClient(string socket, TimeProvider time)
    {
        _time = time;
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            MaxResponseHeadersLength = 16,
            ConnectCallback = async (_, cancellationToken) =>
            {
                var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancellationToken);
                    PeerCredentials.Check(connection);
                    return new NetworkStream(connection, ownsSocket: true);
                }
                catch
                {
                    connection.Dispose();
                    throw;
                }
            },
        };
        _client = new HttpClient(new ConnectFaultHandler(handler))
        {
            BaseAddress = new Uri("http://driver"),
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = LargestAnswer,
        };
    }

    /// <inheritdoc/>
    public Task<DriverAnswer<PoolStatus>> StatusAsync(TimeSpan deadline, CancellationToken cancellationToken) =>
        CallAsync(HttpMethod.Get, DriverPaths.Status, null, DriverJson.Default.PoolStatus, deadline, null, cancellationToken);

    /// <inheritdoc/>
    public Task<DriverAnswer<PoolStatus>> ProbeAsync(TimeSpan deadline, CancellationToken cancellationToken) =>
        CallAsync(HttpMethod.Post, DriverPaths.Probe, null, DriverJson.Default.PoolStatus, deadline, null, cancellationToken);

    /// <inheritdoc/>
    public Task<DriverAnswer<VolumeReply>> EnsureVolumeAsync(VolumeId volume, EnsureVolumeRequest request, TimeSpan deadline, CancellationToken cancellationToken) =>
        CallAsync(
            HttpMethod.Put, DriverPaths.Volume(volume), JsonContent.Create(request, DriverJson.Default.EnsureVolumeRequest), DriverJson.Default.VolumeReply, deadline,
            reply => Mismatch(volume, reply), cancellationToken);

    /// <inheritdoc/>
    public Task<DriverAnswer<VolumeReply>> GetVolumeAsync(VolumeId volume, TimeSpan deadline, CancellationToken cancellationToken) =>
        CallAsync(HttpMethod.Get, DriverPaths.Volume(volume), null, DriverJson.Default.VolumeReply, deadline, reply => Mismatch(volume, reply), cancellationToken);

    /// <inheritdoc/>
    public Task<DriverAnswer<VolumeList>> ListVolumesAsync(TimeSpan deadline, CancellationToken cancellationToken) =>
        CallAsync(HttpMethod.Get, DriverPaths.Volumes, null, DriverJson.Default.VolumeList, deadline, Mismatch, cancellationToken);

    /// <inheritdoc/>
    public Task<DriverAnswer<DriverAck>> DeleteVolumeAsync(VolumeId volume, Generation generation, TimeSpan deadline, CancellationToken cancellationToken) =>
        CallAsync(HttpMethod.Delete, $"{DriverPaths.Volume(volume)}?generation={generation}", null, DriverJson.Default.DriverAck, deadline, null, cancellationToken);

    /// <inheritdoc/>
    public Task<DriverAnswer<VolumeReply>> ResizeVolumeAsync(VolumeId volume, ResizeVolumeRequest request, TimeSpan deadline, CancellationToken cancellationToken) =>
        CallAsync(
            HttpMethod.Post, DriverPaths.Resize(volume), JsonContent.Create(request, DriverJson.Default.ResizeVolumeRequest), DriverJson.Default.VolumeReply, deadline,
            reply => Mismatch(volume, reply), cancellationToken);

    /// <inheritdoc/>
    public Task<DriverAnswer<VolumeReply>> SealVolumeAsync(VolumeId volume, SealVolumeRequest request, TimeSpan deadline, CancellationToken cancellationToken) =>
        CallAsync(
            HttpMethod.Post, DriverPaths.Seal(volume), JsonContent.Create(request, DriverJson.Default.SealVolumeRequest), DriverJson.Default.VolumeReply, deadline,
            reply => Mismatch(volume, reply), cancellationToken);

    /// <inheritdoc/>
    public Task<DriverAnswer<AttachmentReply>> AttachAsync(VolumeId volume, AttachRequest request, TimeSpan deadline, CancellationToken cancellationToken) =>
        CallAsync(
            HttpMethod.Put, DriverPaths.Attachment(volume), JsonContent.Create(request, DriverJson.Default.AttachRequest), DriverJson.Default.AttachmentReply, deadline,
            reply => reply.Source is null ? "it names no disk source" : reply.SizeBytes <= 0 ? "its size is not positive" : null, cancellationToken);

    /// <inheritdoc/>
    public Task<DriverAnswer<DriverAck>> ReleaseAsync(VolumeId volume, AttachMode mode, Generation generation, TimeSpan deadline, CancellationToken cancellationToken) =>
        CallAsync(
            HttpMethod.Delete, $"{DriverPaths.Attachment(volume)}?mode={WireName(mode)}&generation={generation}", null, DriverJson.Default.DriverAck, deadline, null,
            cancellationToken);

    /// <inheritdoc/>
    public Task<DriverAnswer<DriverAck>> CutAsync(VolumeId volume, CutRequest request, TimeSpan deadline, CancellationToken cancellationToken) =>
        CallAsync(
            HttpMethod.Post, DriverPaths.Cut(volume), JsonContent.Create(request, DriverJson.Default.CutRequest), DriverJson.Default.DriverAck, deadline, null, cancellationToken);

    /// <inheritdoc/>
    public Task<DriverAnswer<DriverAck>> ResumeAsync(VolumeId volume, ResumeRequest request, TimeSpan deadline, CancellationToken cancellationToken) =>
        CallAsync(
            HttpMethod.Post, DriverPaths.Resume(volume), JsonContent.Create(request, DriverJson.Default.ResumeRequest), DriverJson.Default.DriverAck, deadline, null,
            cancellationToken);

    /// <inheritdoc/>
    public Task<DriverAnswer<AttachmentList>> AttachmentsAsync(TimeSpan deadline, CancellationToken cancellationToken) =>
        CallAsync(HttpMethod.Get, DriverPaths.Attachments, null, DriverJson.Default.AttachmentList, deadline, Mismatch, cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private static string WireName(AttachMode mode) => mode switch
    {
        AttachMode.Run => "run",
        AttachMode.Copy => "copy",
        _ => "migrate-in",
    };

    private static string? Mismatch(VolumeId asked, VolumeReply reply) =>
        reply.Volume is null ? "it names no volume" : reply.Volume.VolumeId != asked ? $"it is about volume {reply.Volume.VolumeId}" : null;

    private static string? Mismatch(VolumeList list) =>
        list.Volumes is null || list.Volumes.Any(one => one is null) || list.Strays.Any(one => one is null) ? "it lists something that is not a volume"
        : list.Volumes.FirstOrDefault(one => one.VolumeId.Value == Guid.Empty || string.IsNullOrEmpty(one.BackendName)) is { } nameless ? $"it lists a volume without a name: {nameless}"
        : list.Strays.FirstOrDefault(one => string.IsNullOrEmpty(one.Name)) is { } stray ? $"it lists a stray without a name: {stray}"
        : null;

    private static string? Mismatch(AttachmentList list) =>
        list.Attachments is null || list.Attachments.Any(one => one is null) ? "it lists something that is not an attachment"
        : list.Attachments.FirstOrDefault(one => one.VolumeId.Value == Guid.Empty || string.IsNullOrEmpty(one.BackendName)) is { } nameless ? $"it lists an attachment without a name: {nameless}"
        : null;

    private static DriverAnswer<T>.Failed Fail<T>(DriverErrorCode code, string text, bool isSilent = false) =>
        new(new DriverError { Code = code, Text = text }, isSilent);

    private async Task<DriverAnswer<T>> CallAsync<T>(
        HttpMethod method, string path, HttpContent? content, JsonTypeInfo<T> type, TimeSpan deadline, Func<T, string?>? check, CancellationToken cancellationToken)
        where T : class
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        if (content is not null)
        {
            // A body of known length: the simplest form, which the simplest driver understands.
            await content.LoadIntoBufferAsync(cancellationToken);
        }

        request.Headers.Add(DriverPaths.DeadlineHeader, ((long)Math.Max(1, deadline.TotalMilliseconds)).ToString(CultureInfo.InvariantCulture));
        request.Headers.Add(DriverPaths.CallIdHeader, Interlocked.Increment(ref _calls).ToString(CultureInfo.InvariantCulture));
        using var bound = new CancellationTokenSource(deadline + Margin, _time);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(bound.Token, cancellationToken);
        try
        {
            using var response = await _client.SendAsync(request, ends.Token);
            if (response.StatusCode == HttpStatusCode.OK)
            {
                var value = await response.Content.ReadFromJsonAsync(type, ends.Token);
                var wrong = value is null ? "it is empty" : check?.Invoke(value);
                return wrong is null ? new DriverAnswer<T>.Ok(value!) : Fail<T>(DriverErrorCode.Unknown, $"The driver's answer to {method} {path} cannot be right: {wrong}.");
            }

            var error = await response.Content.ReadFromJsonAsync(DriverJson.Default.DriverError, ends.Token);
            return error?.Text is null
                ? Fail<T>(DriverErrorCode.Unknown, $"The driver answered {method} {path} with status {(int)response.StatusCode} and nothing else.")
                : new DriverAnswer<T>.Failed(error);
        }
        catch (OperationCanceledException) when (bound.IsCancellationRequested || cancellationToken.IsCancellationRequested)
        {
            return Fail<T>(DriverErrorCode.Unknown, $"The driver did not answer {method} {path} within {deadline.TotalSeconds:0.#} s.", isSilent: true);
        }
        catch (HttpRequestException exception) when (exception.HttpRequestError == HttpRequestError.ConnectionError)
        {
            return Fail<T>(DriverErrorCode.Unreachable, $"The driver process cannot be reached: {exception.Message}");
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or JsonException or NotSupportedException)
        {
            return Fail<T>(DriverErrorCode.Unknown, $"The driver's answer to {method} {path} was lost or not understood: {exception.Message}");
        }
    }
}
