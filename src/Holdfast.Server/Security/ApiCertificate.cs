using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.Hosting;

namespace Holdfast.Server.Security;

/// <summary>
/// The certificate that the API's listener shows. Files are looked at every few seconds and read anew when what is in them is another; what cannot be used leaves the one
/// before in place. A handshake reads no file, so that a disk that hangs costs renewals only. Made once per node; safe for any thread.
/// </summary>
internal sealed partial class ApiCertificate : BackgroundService
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan WarnBefore = TimeSpan.FromDays(14);
    private static readonly TimeSpan WarnEvery = TimeSpan.FromDays(1);

    private readonly ApiTls _tls;
    private readonly Authority _authority;
    private readonly TimeProvider _time;
    private readonly ILogger<ApiCertificate> _logger;

    private volatile SslStreamCertificateContext? _current;

    // Used by whoever looks, and only one does.
    private string? _used;
    private string? _unusable;
    private bool _told;
    private DateTimeOffset _warned;

    /// <summary>Made once per node.</summary>
    public ApiCertificate(ApiTls tls, Authority authority, TimeProvider time, ILogger<ApiCertificate> logger)
    {
        _tls = tls;
        _authority = authority;
        _time = time;
        _logger = logger;
    }

    /// <summary>What a handshake shows now.</summary>
    public SslStreamCertificateContext Current
    {
        get
        {
            var current = _current;
            if (_tls is ApiTls.OwnAuthority own && _authority.ApiCertificate(own.Names) is var certificate && current?.TargetCertificate != certificate)
            {
                _current = current = SslStreamCertificateContext.Create(certificate, null, offline: true);
            }

            return current ?? throw new InvalidOperationException("The API's certificate is not open.");
        }
    }

    /// <summary>The name to reach the API by, when the certificate tells one.</summary>
    public string? Name => _tls is ApiTls.OwnAuthority own ? own.Names[0] : NamesOf(Current.TargetCertificate).FirstOrDefault(n => !n.Contains('*', StringComparison.Ordinal));

    /// <summary>Reads the files the first time.</summary>
    /// <returns>Why they cannot be used; null when they can, or there are none.</returns>
    public string? Open() => _tls is ApiTls.Files files && Read(files, out var content) is { } read ? Use(files, content, read) : null;

    /// <summary>Looks whether there is something else in the files.</summary>
    internal void Look()
    {
        if (_tls is not ApiTls.Files files)
        {
            return;
        }

        var read = Read(files, out var content);
        if (content != _used)
        {
            // Two files are not written at one moment: only what is still unusable at the next look is told, and once.
            var wrong = Use(files, content, read!);
            if (wrong is not null && content == _unusable && !_told)
            {
                LogUnusable(wrong, Current.TargetCertificate.NotAfter.ToUniversalTime());
                _told = true;
            }

            _told &= content == _unusable;
            _unusable = wrong is null ? null : content;
        }

        var now = _time.GetUtcNow();
        var ends = Current.TargetCertificate.NotAfter.ToUniversalTime();
        if (ends - now.UtcDateTime < WarnBefore && now - _warned >= WarnEvery)
        {
            _warned = now;
            LogEnds(ends, files.Certificate);
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (_tls is not ApiTls.Files)
        {
            return;
        }

        using var timer = new PeriodicTimer(LookEvery, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                Look();
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The node ends.
        }
    }

    private static IEnumerable<string> NamesOf(X509Certificate2 certificate) =>
        certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().SelectMany(names => names.EnumerateDnsNames().Concat(names.EnumerateIPAddresses().Select(a => a.ToString())));

    // What is in the files, or why they cannot be read; the content as a hash, so that no key stays in memory as text.
    private static Texts Read(ApiTls.Files files, out string content)
    {
        Texts read;
        try
        {
            read = new Texts(File.ReadAllText(files.Certificate), File.ReadAllText(files.Key), null);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            read = new Texts(string.Empty, string.Empty, unreadable.Message);
        }

        content = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes($"{read.Certificate}\0{read.Key}\0{read.Wrong}")));
        return read;
    }

    private string? Use(ApiTls.Files files, string content, Texts read)
    {
        if (read.Wrong is { } unreadable)
        {
            return unreadable;
        }

        try
        {
            var chain = new X509Certificate2Collection();
            chain.ImportFromPem(read.Certificate);
            var certificate = X509Certificate2.CreateFromPem(read.Certificate, read.Key);
            if (certificate.NotAfter.ToUniversalTime() <= _time.GetUtcNow().UtcDateTime)
            {
                return $"the certificate in {files.Certificate} ended at {certificate.NotAfter.ToUniversalTime():u}";
            }

            _current = SslStreamCertificateContext.Create(certificate, chain, offline: true);
            _used = content;
            LogUsed(certificate.Subject, string.Join(", ", NamesOf(certificate)), certificate.NotAfter.ToUniversalTime());
            return null;
        }
        catch (Exception wrong) when (wrong is CryptographicException or ArgumentException)
        {
            return $"{files.Certificate} and {files.Key} are not a certificate and its private key, not encrypted, in PEM: {wrong.Message}";
        }
    }

    private sealed record Texts(string Certificate, string Key, string? Wrong)
    {
        /// <summary>Never the key.</summary>
        public override string ToString() => "***";
    }
}
