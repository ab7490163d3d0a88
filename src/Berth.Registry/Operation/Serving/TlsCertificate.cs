using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;

namespace Berth.Registry.Operation.Serving;

/// <summary>Where the certificate is: PEM files, the first with the chain.</summary>
/// <param name="Certificate">The certificate and those that lead to its authority.</param>
/// <param name="Key">Its private key.</param>
public sealed record TlsFiles(string Certificate, string Key);

/// <summary>The hub's certificate, read again when its files change: renewing needs no restart and breaks no connection.</summary>
public sealed partial class TlsCertificate : IDisposable
{
    private static readonly TimeSpan s_lookAgain = TimeSpan.FromSeconds(5);

    private readonly TlsFiles _files;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private SslStreamCertificateContext _current; // Guarded by _gate.
    private byte[] _readFrom;                     // Guarded by _gate.
    private long _lookedAt;                       // Guarded by _gate.

    /// <summary>Reads the files.</summary>
    /// <exception cref="FaultException">InvalidArgument: one cannot be read, or they do not belong together.</exception>
    public TlsCertificate(TlsFiles files, TimeProvider time, ILogger<TlsCertificate> logger)
    {
        (_files, _time, _logger) = (files, time, logger);
        _lookedAt = time.GetTimestamp();
        try
        {
            (string Certificate, string Key) texts = Texts();
            _current = Read(texts);
            _readFrom = HashOf(texts);
        }
        catch (Exception failure) when (IsExpected(failure))
        {
            throw FaultException.Invalid($"load TLS certificate {files.Certificate}: {failure.Message}", failure);
        }
    }

    /// <summary>The certificate for a connection that begins now.</summary>
    public SslStreamCertificateContext Current
    {
        get
        {
            lock (_gate)
            {
                if (_time.GetElapsedTime(_lookedAt) >= s_lookAgain)
                    LookAgain();
                return _current;
            }
        }
    }

    /// <summary>Looks at the files now, and not only at the next connection after some seconds.</summary>
    public void Refresh()
    {
        lock (_gate)
            LookAgain();
    }

    /// <summary>Makes a listener speak TLS with it: 1.2 and 1.3, HTTP/2 for who asks.</summary>
    public void Use(ListenOptions listen) => listen.UseHttps(new TlsHandshakeCallbackOptions
    {
        OnConnection = _ => new ValueTask<SslServerAuthenticationOptions>(new SslServerAuthenticationOptions
        {
            ServerCertificateContext = Current,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
        }),
    });

    /// <inheritdoc/>
    public void Dispose() => _current.TargetCertificate.Dispose();

    private void LookAgain()
    {
        _lookedAt = _time.GetTimestamp();
        try
        {
            // What the files hold, not when they were written: where they are links, as a Kubernetes secret's are, a renewal exchanges
            // a directory on the way to them.
            (string Certificate, string Key) texts = Texts();
            byte[] now = HashOf(texts);
            if (now.AsSpan().SequenceEqual(_readFrom))
                return;
            // The old one is left to its connections.
            _current = Read(texts);
            _readFrom = now;
            Log.Loaded(_logger, _current.TargetCertificate.Subject, _current.TargetCertificate.NotAfter);
        }
        catch (Exception failure) when (IsExpected(failure))
        {
            // Half written, perhaps: the next look finds the rest. Meanwhile the old one is served.
            Log.NotLoaded(_logger, _files.Certificate, failure.Message);
        }
    }

    private (string Certificate, string Key) Texts() => (File.ReadAllText(_files.Certificate), File.ReadAllText(_files.Key));

    private static SslStreamCertificateContext Read((string Certificate, string Key) texts)
    {
        using X509Certificate2 pem = X509Certificate2.CreateFromPem(texts.Certificate, texts.Key);
        // A key that was only imported for this process is not taken by every platform's TLS; this one is.
        X509Certificate2 certificate = X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
        var chain = new X509Certificate2Collection();
        chain.ImportFromPem(texts.Certificate);
        return SslStreamCertificateContext.Create(certificate, chain, offline: true);
    }

    private static byte[] HashOf((string Certificate, string Key) texts) =>
        SHA256.HashData(Encoding.UTF8.GetBytes($"{texts.Certificate}\n{texts.Key}"));

    private static bool IsExpected(Exception failure) =>
        failure is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException;

    private static partial class Log
    {
        [LoggerMessage(EventId = 6201, Level = LogLevel.Information, Message = "TLS certificate of {Subject} loaded, good until {Until}")]
        public static partial void Loaded(ILogger logger, string subject, DateTime until);

        [LoggerMessage(EventId = 6202, Level = LogLevel.Error, Message = "TLS certificate {File} not loaded, the former stays: {Reason}")]
        public static partial void NotLoaded(ILogger logger, string file, string reason);
    }
}
