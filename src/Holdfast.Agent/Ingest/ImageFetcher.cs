using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Holdfast.Protocol.Http;

namespace Holdfast.Agent.Ingest;

/// <summary>
/// Fetches images over HTTP(S) through the egress guard, or takes them from the operator's folder of local images, checks that all of them came, and unpacks what is
/// packed. An adapter.
/// </summary>
internal sealed class ImageFetcher : IImageFetcher, IDisposable
{
    private const int Redirects = 5;
    private const int LongestQuote = 200;
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(30);
    private readonly IngestFolder _folder;
    private readonly ImageUnpacker _unpacker;
    private readonly string? _images;
    private readonly long _largest;
    private readonly EgressGuard _guard;
    private readonly TimeProvider _time;
    private readonly HttpClient _client;

    /// <summary>Makes a fetcher.</summary>
    /// <param name="folder">Where images are brought to.</param>
    /// <param name="unpacker">Unpacks them.</param>
    /// <param name="images">The folder of local images; null when there is none.</param>
    /// <param name="largest">Bytes that an image may have, packed and unpacked.</param>
    /// <param name="guard">Decides about addresses.</param>
    /// <param name="time">The clock.</param>
    public ImageFetcher(IngestFolder folder, ImageUnpacker unpacker, string? images, long largest, EgressGuard guard, TimeProvider time)
    {
        (_folder, _unpacker, _images, _largest, _guard, _time) = (folder, unpacker, images, largest, guard, time);
        _client = new HttpClient(new ConnectFaultHandler(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            ConnectTimeout = Silence,
            // Every connection is made anew, because each is checked when it is made.
            PooledConnectionLifetime = TimeSpan.Zero,
            ConnectCallback = ConnectAsync,
        }))
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    /// <inheritdoc/>
    public Task<FetchOutcome> FetchAsync(string url, string? checksum, Guid key, ImportProgress progress, CancellationToken cancellationToken) =>
        OffLoop.RunAsync(() => FetchHereAsync(url, checksum, key, progress, cancellationToken));

    /// <inheritdoc/>
    public void Discard(Guid key) => _folder.Discard(key);

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private static string Hex(byte[] hash) => Convert.ToHexStringLower(hash);

    private static string Quoted(string text) => new([.. text.Take(LongestQuote).Select(letter => char.IsControl(letter) ? '?' : letter)]);

    private async Task<FetchOutcome> FetchHereAsync(string url, string? checksum, Guid key, ImportProgress progress, CancellationToken cancellationToken)
    {
        var expected = checksum is null ? null : ExpectedChecksum.TryParse(checksum);
        if (checksum is not null && expected is null)
        {
            return new FetchOutcome.Refused("the expected checksum is not one that can be read");
        }

        if (!Uri.TryCreate(url, UriKind.Absolute, out var address))
        {
            return new FetchOutcome.Refused("the URL cannot be read");
        }

        try
        {
            _folder.Open();
            var fetched = address.IsFile
                ? await TakeLocalAsync(address, expected, cancellationToken)
                : await DownloadAsync(address, expected, key, progress, cancellationToken);
            if (fetched is not FetchOutcome.Fetched { Path: var path })
            {
                return fetched;
            }

            progress.Complete();
            if (await ImageContent.OfFileAsync(path, cancellationToken) is not ImageContent.Packed { Compression: var compression })
            {
                return fetched;
            }

            var unpacked = await _unpacker.UnpackAsync(path, compression, key, cancellationToken);
            if (!address.IsFile)
            {
                // Its room may be wanted by the next.
                File.Delete(path);
            }

            return unpacked;
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or UnauthorizedAccessException)
        {
            return new FetchOutcome.Refused(exception.InnerException?.Message ?? exception.Message);
        }
    }

    private async Task<FetchOutcome> TakeLocalAsync(Uri address, ExpectedChecksum? expected, CancellationToken cancellationToken)
    {
        if (_images is null)
        {
            return new FetchOutcome.Refused("this host has no folder of local images");
        }

        var folder = RealPath(_images);
        var path = RealPath(address.LocalPath);
        if (folder is null || path is null || !path.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal) || !File.Exists(path))
        {
            return new FetchOutcome.Refused("there is no such file in this host's folder of local images");
        }

        if (expected is not null)
        {
            await using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20, useAsync: true);
            using var hash = IncrementalHash.CreateHash(expected.Algorithm);
            var buffer = new byte[1 << 20];
            while (await stream.ReadAsync(buffer, cancellationToken) is > 0 and var count)
            {
                hash.AppendData(buffer, 0, count);
            }

            if (Hex(hash.GetHashAndReset()) is var actual && actual != expected.Hex)
            {
                return new FetchOutcome.Refused($"its {expected.Algorithm.Name} checksum is {actual}, expected was {expected.Hex}");
            }
        }

        return new FetchOutcome.Fetched(path);
    }

    /// <summary>The path with every symbolic link followed; null when it does not exist.</summary>
    private static string? RealPath(string path)
    {
        var real = "/";
        foreach (var part in Path.GetFullPath(path).Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            real = Path.Combine(real, part);
            FileSystemInfo info = Directory.Exists(real) ? new DirectoryInfo(real) : new FileInfo(real);
            if (!info.Exists)
            {
                return null;
            }

            if (info.LinkTarget is not null)
            {
                if (info.ResolveLinkTarget(returnFinalTarget: true) is not { Exists: true } target || RealPath(target.FullName) is not { } followed)
                {
                    return null;
                }

                real = followed;
            }
        }

        return real;
    }

    private async Task<FetchOutcome> DownloadAsync(Uri address, ExpectedChecksum? expected, Guid key, ImportProgress progress, CancellationToken cancellationToken)
    {
        for (var hops = 0; hops <= Redirects; hops++)
        {
            if (EgressGuard.Refuse(address) is { } reason)
            {
                return new FetchOutcome.Refused(reason);
            }

            using var silence = new CancellationTokenSource(Silence, _time);
            using var ends = CancellationTokenSource.CreateLinkedTokenSource(silence.Token, cancellationToken);
            try
            {
                using var response = await _client.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, ends.Token);
                if ((int)response.StatusCode is 301 or 302 or 303 or 307 or 308)
                {
                    // As it was sent: the framework's own reading of a malformed one is that there is none, or an exception.
                    if (!response.Headers.NonValidated.TryGetValues("Location", out var sent) || sent.ToString() is not { Length: > 0 } location)
                    {
                        return new FetchOutcome.Refused($"{address.Host} answered {(int)response.StatusCode} without saying where to go");
                    }

                    if (!Uri.TryCreate(address, location, out var next))
                    {
                        return new FetchOutcome.Refused($"{address.Host} redirects to '{Quoted(location)}', which is not a URL");
                    }

                    address = next;
                    continue;
                }

                if (response.StatusCode != HttpStatusCode.OK)
                {
                    return new FetchOutcome.Refused($"{address.Host} answered {(int)response.StatusCode}");
                }

                return RefuseAnswer(address, response, expected) ?? await ReceiveAsync(address, response, expected, key, progress, silence, ends.Token);
            }
            catch (OperationCanceledException) when (silence.IsCancellationRequested)
            {
                return new FetchOutcome.Refused($"{address.Host} sent nothing for {Silence.TotalSeconds:0} s");
            }
        }

        return new FetchOutcome.Refused($"it redirects more than {Redirects} times");
    }

    private FetchOutcome.Refused? RefuseAnswer(Uri address, HttpResponseMessage response, ExpectedChecksum? expected)
    {
        var content = response.Content.Headers;
        if (content.ContentType?.MediaType is { } type && (type.Equals("text/html", StringComparison.OrdinalIgnoreCase) || type.Equals("application/xhtml+xml", StringComparison.OrdinalIgnoreCase)))
        {
            return new FetchOutcome.Refused($"{address.Host} answered a web page ({type}), not an image");
        }

        // Ended by closing the connection: a body that was cut off looks like one that is whole.
        if (content.ContentLength is null && response.Headers.TransferEncodingChunked != true && response.Version.Major < 2 && expected is null)
        {
            return new FetchOutcome.Refused(
                $"{address.Host} does not say how long it is (neither Content-Length nor chunked), so nobody could tell whether all of it came; register it with a checksum");
        }

        return content.ContentLength > _largest ? new FetchOutcome.Refused(ImageFile.TooLarge(_largest)) : null;
    }

    private async Task<FetchOutcome> ReceiveAsync(
        Uri address,
        HttpResponseMessage response,
        ExpectedChecksum? expected,
        Guid key,
        ImportProgress progress,
        CancellationTokenSource silence,
        CancellationToken cancellationToken)
    {
        var announced = response.Content.Headers.ContentLength;
        if (announced is { } needed && _folder.Take(key, needed) is { } full)
        {
            return new FetchOutcome.Refused(full);
        }

        var path = _folder.PathOf(key);
        using var hash = expected is null ? null : IncrementalHash.CreateHash(expected.Algorithm);
        await using var target = new ImageFile(_folder, key, path, _largest);
        try
        {
            await using var source = await response.Content.ReadAsStreamAsync(cancellationToken);
            var buffer = new byte[1 << 17];
            while (await source.ReadAsync(buffer, cancellationToken) is > 0 and var count)
            {
                silence.CancelAfter(Silence);
                hash?.AppendData(buffer, 0, count);
                if (await target.WriteAsync(buffer.AsMemory(0, count), announced - target.Length, cancellationToken) is { } refused)
                {
                    return new FetchOutcome.Refused(refused);
                }

                progress.Received(target.Length, announced);
            }
        }
        catch (HttpIOException cut)
        {
            var of = announced is { } all ? string.Create(CultureInfo.InvariantCulture, $" of {all}") : "";
            return new FetchOutcome.Refused(string.Create(CultureInfo.InvariantCulture, $"only {target.Length}{of} bytes came from {address.Host}: {cut.Message}"));
        }

        target.Complete();
        if (announced is { } length && length != target.Length)
        {
            return new FetchOutcome.Refused($"only {target.Length} of {length} bytes came from {address.Host}");
        }

        return hash is not null && Hex(hash.GetHashAndReset()) is var actual && actual != expected!.Hex
            ? new FetchOutcome.Refused($"its {expected.Algorithm.Name} checksum is {actual}, expected was {expected.Hex}")
            : new FetchOutcome.Fetched(path);
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
        var addresses = IPAddress.TryParse(host, out var literal) ? [literal] : await Dns.GetHostAddressesAsync(host, cancellationToken);
        if (addresses.FirstOrDefault(address => !_guard.Allows(host, port, address)) is { } closed)
        {
            throw new IOException($"{host} is at {closed}, which images may not be fetched from (the agent's option --allow-image-hosts lists exceptions)");
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            // To the addresses that were checked, never to the name: another resolution could give another answer.
            await socket.ConnectAsync(addresses, port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
