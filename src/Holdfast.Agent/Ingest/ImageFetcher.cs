using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Holdfast.Agent.Ledger;
using Holdfast.Protocol.Http;

namespace Holdfast.Agent.Ingest;

/// <summary>Fetches images over HTTP(S) through the egress guard, or takes them from the operator's folder of local images. An adapter.</summary>
internal sealed class ImageFetcher : IImageFetcher, IDisposable
{
    private const int Redirects = 5;
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(30);
    private readonly string _folder;
    private readonly string? _images;
    private readonly long _largest;
    private readonly EgressGuard _guard;
    private readonly TimeProvider _time;
    private readonly HttpClient _client;

    /// <summary>Makes a fetcher.</summary>
    /// <param name="dataFolder">The agent's data folder.</param>
    /// <param name="images">The folder of local images; null when there is none.</param>
    /// <param name="largest">Bytes that an image may have.</param>
    /// <param name="guard">Decides about addresses.</param>
    /// <param name="time">The clock.</param>
    public ImageFetcher(string dataFolder, string? images, long largest, EgressGuard guard, TimeProvider time)
    {
        (_folder, _images, _largest, _guard, _time) = (Path.Combine(dataFolder, "ingest"), images, largest, guard, time);
        PrivateFile.MakeFolder(_folder);
        foreach (var leftOver in Directory.GetFiles(_folder))
        {
            File.Delete(leftOver);
        }

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
    public async Task<FetchOutcome> FetchAsync(string url, string? checksum, Guid key, CancellationToken cancellationToken)
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
            if (address.IsFile)
            {
                return await TakeLocalAsync(address, expected, cancellationToken);
            }

            return await DownloadAsync(address, expected, PathOf(key), cancellationToken);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or UnauthorizedAccessException)
        {
            return new FetchOutcome.Refused(exception.InnerException?.Message ?? exception.Message);
        }
    }

    /// <inheritdoc/>
    public void Discard(Guid key) => File.Delete(PathOf(key));

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private static string Hex(byte[] hash) => Convert.ToHexStringLower(hash);

    private string PathOf(Guid key) => Path.Combine(_folder, key.ToString("N") + ".img");

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

    private async Task<FetchOutcome> DownloadAsync(Uri address, ExpectedChecksum? expected, string path, CancellationToken cancellationToken)
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
                if ((int)response.StatusCode is 301 or 302 or 303 or 307 or 308 && response.Headers.Location is { } next)
                {
                    address = new Uri(address, next);
                    continue;
                }

                if (response.StatusCode != HttpStatusCode.OK)
                {
                    return new FetchOutcome.Refused($"{address.Host} answered {(int)response.StatusCode}");
                }

                return await ReceiveAsync(response, expected, path, silence, ends.Token);
            }
            catch (OperationCanceledException) when (silence.IsCancellationRequested)
            {
                return new FetchOutcome.Refused($"{address.Host} sent nothing for {Silence.TotalSeconds:0} s");
            }
        }

        return new FetchOutcome.Refused($"it redirects more than {Redirects} times");
    }

    private async Task<FetchOutcome> ReceiveAsync(
        HttpResponseMessage response, ExpectedChecksum? expected, string path, CancellationTokenSource silence, CancellationToken cancellationToken)
    {
        var tooLarge = new FetchOutcome.Refused(string.Create(CultureInfo.InvariantCulture, $"it is larger than the {_largest} bytes that this host takes"));
        if (response.Content.Headers.ContentLength > _largest)
        {
            return tooLarge;
        }

        using var hash = expected is null ? null : IncrementalHash.CreateHash(expected.Algorithm);
        await using var source = await response.Content.ReadAsStreamAsync(cancellationToken);
        await using var target = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            Options = FileOptions.Asynchronous,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        var buffer = new byte[1 << 17];
        var received = 0L;
        while (await source.ReadAsync(buffer, cancellationToken) is > 0 and var count)
        {
            silence.CancelAfter(Silence);
            received += count;
            if (received > _largest)
            {
                return tooLarge;
            }

            hash?.AppendData(buffer, 0, count);
            await target.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
        }

        if (response.Content.Headers.ContentLength is { } announced && announced != received)
        {
            return new FetchOutcome.Refused($"only {received} of {announced} bytes arrived");
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
