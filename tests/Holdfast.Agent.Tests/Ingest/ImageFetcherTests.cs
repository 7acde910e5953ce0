using System.Diagnostics;
using System.IO.Compression;
using System.Security.Cryptography;
using Holdfast.Agent.Ingest;
using Holdfast.Testing;
using Shouldly;
using Xunit;
using static Holdfast.Agent.Tests.Ingest.ScriptedWebServer;

namespace Holdfast.Agent.Tests.Ingest;

/// <summary>A real fetcher against a web server that answers what a test says; what is packed is unpacked by the real programs in the real sandbox.</summary>
public sealed class ImageFetcherTests : IDisposable
{
    private const long Largest = 4L << 20;
    private static readonly Guid Key = Samples.Id(0xF1);

    // What is packed in them: 100,000 zeros and "the end of it".
    private static readonly byte[] Plain = [.. new byte[100_000], .. "the end of it"u8];
    private static readonly byte[] Xz = Convert.FromBase64String(
        "/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4YasAGJdAABv/f//o7f/Rz5IFXI5YVG4kijmo4YH+e7kHoLTL8U6PAFLsX7JiopNL6MN2X+m44wjEVPgWRjFdYrid/i2lH8MasDedElk4ulcU7IE1rH149q1MJb1qpZlXl1DXxiKzNQAAAAAfjQSx9FWIy8AAX6tjQYAAB/xdGGxxGf7AgAAAAAEWVo=");

    private static readonly byte[] Bzip2 = Convert.FromBase64String("QlpoOTFBWSZTWRA3MlYAAMRRgMAARAAHYYQAAAggADEDQNARUA0epAEBl1FBDfOY92pV6tJQCA/F3JFOFCQEDcyVgA==");
    private static readonly byte[] Zstd = Convert.FromBase64String("KLUv/QRYvQAAeAAAdGhlIGVuZCBvZiBpdAEAm4Y5wAIP2hpr");
    private readonly TempFolder _data = new();
    private readonly ImportProgress _progress = new();
    private long _free = 1L << 40;

    public void Dispose() => _data.Dispose();

    [Fact]
    public async Task An_image_is_brought_with_all_its_bytes()
    {
        await using var server = new ScriptedWebServer(_ => Ok(Plain));
        using var fetching = Fetching(server);
        (await ContentAsync(await fetching.FetchAsync())).ShouldBe(Plain);
        _progress.Percent.ShouldBe(100);
        fetching.Discard();
        Files().ShouldBeEmpty();
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\nContent-Length: 5000", "of 5000 bytes came")]
    [InlineData("HTTP/1.1 200 OK\nTransfer-Encoding: chunked", "bytes came")]
    public async Task A_body_that_ends_early_is_no_image(string head, string reason)
    {
        var begin = head.EndsWith("chunked", StringComparison.Ordinal) ? "1000\r\n"u8.ToArray() : [];
        await using var server = new ScriptedWebServer(_ => Answer(head, [.. begin, .. new byte[4096], .. begin.Length > 0 ? "\r\n"u8 : default]));
        await RefusedAsync(server, reason);
    }

    [Fact]
    public async Task A_body_without_a_length_could_be_cut_off_anywhere_and_is_taken_with_a_checksum_only()
    {
        await using var server = new ScriptedWebServer(_ => Answer("HTTP/1.0 200 OK", Plain));
        await RefusedAsync(server, "does not say how long it is");
        using var fetching = Fetching(server, Convert.ToHexString(SHA256.HashData(Plain)));
        (await ContentAsync(await fetching.FetchAsync())).ShouldBe(Plain);
    }

    [Theory]
    [InlineData("Location: http://[::1", "redirects to 'http://[::1'")]
    [InlineData("Location: http://here:99999999/x", "redirects to 'http://here:99999999/x'")]
    [InlineData("Location: http://", "redirects to 'http://'")]
    [InlineData("Location:", "without saying where to go")]
    [InlineData("Server: none", "without saying where to go")]
    [InlineData("Location: gopher://here/", "the scheme 'gopher' is not allowed")]
    [InlineData("Location: file:///etc/passwd", "the scheme 'file' is not allowed")]
    public async Task A_redirect_to_nowhere_is_told_as_one(string header, string reason)
    {
        await using var server = new ScriptedWebServer(_ => Answer($"HTTP/1.1 302 Found\nContent-Length: 0\n{header}", default));
        await RefusedAsync(server, reason);
    }

    [Fact]
    public async Task A_redirect_is_followed()
    {
        await using var server = new ScriptedWebServer(path => path == "/there" ? Ok(Plain) : Answer("HTTP/1.1 302 Found\nContent-Length: 0\nLocation: /there", default));
        using var fetching = Fetching(server);
        (await ContentAsync(await fetching.FetchAsync())).ShouldBe(Plain);
    }

    [Theory]
    [InlineData("text/html; charset=utf-8")]
    [InlineData("Application/XHTML+xml")]
    public async Task A_web_page_is_no_image(string type)
    {
        await using var server = new ScriptedWebServer(_ => Ok("<html>Log in first</html>"u8, $"\nContent-Type: {type}"));
        await RefusedAsync(server, "a web page");
    }

    [Theory]
    [InlineData("xz")]
    [InlineData("gzip")]
    [InlineData("bzip2")]
    [InlineData("zstd")]
    [InlineData("zip")]
    public async Task What_is_packed_is_unpacked_and_the_checksum_is_of_what_was_downloaded(string compression)
    {
        var packed = Packed(compression);
        await using var server = new ScriptedWebServer(_ => Ok(packed));
        using var fetching = Fetching(server, Convert.ToHexString(SHA256.HashData(packed)));
        (await ContentAsync(await fetching.FetchAsync())).ShouldBe(Plain);
        Files().ShouldHaveSingleItem();
        fetching.Discard();
        Files().ShouldBeEmpty();
    }

    [Theory]
    [InlineData("xz")]
    [InlineData("gzip")]
    [InlineData("bzip2")]
    [InlineData("zstd")]
    [InlineData("zip")]
    public async Task What_is_packed_and_torn_is_refused_by_the_name_of_its_compression(string compression)
    {
        var packed = Packed(compression);
        await using var server = new ScriptedWebServer(_ => Ok(packed.AsSpan(0, packed.Length - 9)));
        await RefusedAsync(server, $"compressed by {compression} and cannot be unpacked");
    }

    [Fact]
    public async Task A_bomb_is_stopped_at_the_size_that_this_host_takes()
    {
        using var packed = new MemoryStream();
        await using (var gzip = new GZipStream(packed, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            await gzip.WriteAsync(new byte[(8 << 20) + 1], TestContext.Current.CancellationToken);
        }

        packed.Length.ShouldBeLessThan(Largest / 100);
        await using var server = new ScriptedWebServer(_ => Ok(packed.ToArray()));
        await RefusedAsync(server, $"larger than the {Largest} bytes");
    }

    [Fact]
    public async Task What_is_packed_twice_is_refused()
    {
        using var packed = new MemoryStream();
        await using (var gzip = new GZipStream(packed, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            await gzip.WriteAsync(Xz, TestContext.Current.CancellationToken);
        }

        await using var server = new ScriptedWebServer(_ => Ok(packed.ToArray()));
        await RefusedAsync(server, "what is inside is compressed by xz once more");
    }

    [Fact]
    public async Task A_zip_of_two_files_is_refused_because_nobody_knows_which_is_the_image()
    {
        await using var server = new ScriptedWebServer(_ => Ok(Zip("disk.img", "readme.txt")));
        await RefusedAsync(server, "there are 2 files in it");
    }

    [Fact]
    public async Task An_image_that_the_disk_has_no_room_for_is_not_begun()
    {
        _free = 100_000 + 50_000;
        await using var server = new ScriptedWebServer(_ => Ok(Plain));
        await RefusedAsync(server, "there is no room for it", keepFree: 50_000);
    }

    [Fact]
    public async Task A_disk_that_runs_full_while_something_is_unpacked_ends_that()
    {
        var packed = Packed("gzip");
        _free = 50_000 + packed.Length;
        await using var server = new ScriptedWebServer(_ => Ok(packed));
        await RefusedAsync(server, "there is no room for it", keepFree: 50_000);
    }

    [Fact]
    public void What_is_announced_by_one_import_is_not_free_for_another()
    {
        using var folder = new IngestFolder(_data["ingest"], 100, () => 1100);
        folder.Take(Key, 600).ShouldBeNull();
        folder.Take(Samples.Id(0xF2), 500)!.ShouldContain("600 of them are for other images");
        folder.Arrived(Key);
        folder.Take(Samples.Id(0xF2), 500).ShouldBeNull();
    }

    [Fact]
    public async Task Zeros_take_no_room()
    {
        await using var server = new ScriptedWebServer(_ => Ok([.. new byte[3 << 20], .. "end"u8]));
        using var fetching = Fetching(server);
        var path = (await fetching.FetchAsync()).ShouldBeOfType<FetchOutcome.Fetched>().Path;
        new FileInfo(path).Length.ShouldBe((3 << 20) + 3);
        using var du = Process.Start(new ProcessStartInfo("du", ["-k", path]) { RedirectStandardOutput = true })!;
        var said = await du.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        int.Parse(said.Split('\t')[0], null).ShouldBeLessThan(256);
    }

    [Fact]
    public void What_an_agent_that_died_left_is_removed_by_the_next_and_nothing_else_is()
    {
        Directory.CreateDirectory(_data["ingest"]);
        File.WriteAllText(_data[$"ingest/{Key:N}.img"], "half");
        File.WriteAllText(_data[$"ingest/{Key:N}.unpacked"], "half");
        File.WriteAllText(_data["ingest/my own.img"], "keep");
        using var folder = new IngestFolder(_data["ingest"], 0);
        folder.Open();
        Files().ShouldBe([_data["ingest/my own.img"]]);
        Should.Throw<IOException>(() => new IngestFolder(_data["ingest"], 0).Open()).Message.ShouldContain("another agent");
    }

    private static byte[] Packed(string compression)
    {
        switch (compression)
        {
            case "xz":
                return Xz;
            case "bzip2":
                return Bzip2;
            case "zstd":
                return Zstd;
            case "zip":
                return Zip("disk.img");
            default:
                using (var packed = new MemoryStream())
                {
                    using (var gzip = new GZipStream(packed, CompressionLevel.Optimal))
                    {
                        gzip.Write(Plain);
                    }

                    return packed.ToArray();
                }
        }
    }

    private static byte[] Zip(params string[] names)
    {
        using var packed = new MemoryStream();
        using (var archive = new ZipArchive(packed, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var name in names)
            {
                using var entry = archive.CreateEntry(name).Open();
                entry.Write(Plain);
            }
        }

        return packed.ToArray();
    }

    private static async Task<byte[]> ContentAsync(FetchOutcome outcome)
    {
        (outcome as FetchOutcome.Refused)?.Reason.ShouldBeNull();
        return await File.ReadAllBytesAsync(((FetchOutcome.Fetched)outcome).Path, TestContext.Current.CancellationToken);
    }

    private async Task RefusedAsync(ScriptedWebServer server, string reason, long keepFree = 0)
    {
        using var fetching = Fetching(server, keepFree: keepFree);
        (await fetching.FetchAsync()).ShouldBeOfType<FetchOutcome.Refused>().Reason.ShouldContain(reason);
        fetching.Discard();
        Files().ShouldBeEmpty();
    }

    private string[] Files() => [.. Directory.GetFiles(_data["ingest"]).Where(file => !file.EndsWith(".lock", StringComparison.Ordinal))];

    /// <summary>The egress guard looks at each address that an image is fetched from; these were nobody's to look at.</summary>
    [Fact]
    public async Task Addresses_in_the_certificate_of_an_image_server_were_followed_past_the_guard()
    {
        await using var server = new TrappedTlsServer();
        using var fetching = new FetchingNow(new IngestFolder(_data["ingest"], 0, () => _free), $"https://{server.Host}/image", server.Host, null, _progress);
        (await fetching.FetchAsync()).ShouldBeOfType<FetchOutcome.Refused>();
        server.Handshakes.ShouldBeGreaterThan(0);
        server.WasFollowed.ShouldBeFalse();
    }

    private FetchingNow Fetching(ScriptedWebServer server, string? checksum = null, long keepFree = 0) =>
        new(new IngestFolder(_data["ingest"], keepFree, () => _free), $"http://{server.Host}/image", server.Host, checksum, _progress);

    private sealed class FetchingNow : IDisposable
    {
        private readonly IngestFolder _folder;
        private readonly ImageFetcher _fetcher;
        private readonly Func<Task<FetchOutcome>> _fetch;

        public FetchingNow(IngestFolder folder, string url, string host, string? checksum, ImportProgress progress)
        {
            _folder = folder;
            var sandbox = new ImageSandbox(SandboxMode.Bubblewrap, folder.Path, TimeProvider.System);
            _fetcher = new ImageFetcher(folder, new ImageUnpacker(sandbox, folder, Largest), null, Largest, new EgressGuard([host]), TimeProvider.System);
            _fetch = () => _fetcher.FetchAsync(url, checksum, Key, progress, TestContext.Current.CancellationToken);
        }

        public Task<FetchOutcome> FetchAsync() => _fetch();

        public void Discard() => _fetcher.Discard(Key);

        public void Dispose()
        {
            _fetcher.Dispose();
            _folder.Dispose();
        }
    }
}
