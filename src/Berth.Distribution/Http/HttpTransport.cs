using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Berth.Faults;

namespace Berth.Distribution;

/// <summary>Sends single requests with our time-outs and turns failures into sentences. Follows no redirect by itself.</summary>
internal sealed class HttpTransport(RegistryOptions options) : IDisposable
{
    private readonly ConcurrentDictionary<(string Authority, bool Insecure), Lazy<HttpMessageInvoker>> _special = new();
    private readonly Lazy<HttpMessageInvoker> _strict = new(() => new HttpMessageInvoker(Handler(options)));

    /// <summary>Sends a request; the answer's body is still to be read.</summary>
    /// <exception cref="RegistryException">Unavailable: not reached, not answered in time.</exception>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, bool insecure, CancellationToken cancellationToken)
    {
        Uri uri = request.RequestUri!;
        request.Headers.TryAddWithoutValidation("User-Agent", options.UserAgent);
        request.Version = HttpVersion.Version20;
        request.VersionPolicy = HttpVersionPolicy.RequestVersionOrLower;
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.IdleTimeout);
        if (request.Content is UploadContent upload)
            upload.Watch = limit;
        try
        {
            return await InvokerFor(uri, insecure).SendAsync(request, limit.Token);
        }
        catch (HttpRequestException exception)
        {
            throw RegistryException.Broken(request.Method, uri, exception, options.InsecureAdvice);
        }
        catch (IOException exception)
        {
            throw RegistryException.Broken(request.Method, uri, exception, options.InsecureAdvice);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw RegistryException.TimedOut(
                request.Method, uri, "net/http: request canceled while waiting for connection or headers: time-out exceeded");
        }
    }

    public void Dispose()
    {
        foreach (Lazy<HttpMessageInvoker> invoker in _special.Values.Append(_strict))
        {
            if (invoker.IsValueCreated)
                invoker.Value.Dispose();
        }
    }

    private HttpMessageInvoker InvokerFor(Uri uri, bool insecure)
    {
        string? certificates = CertificatesOf(uri);
        bool direct = HostPolicy.IsLoopback(uri.Host);
        if (!insecure && !direct && certificates is null)
            return _strict.Value;
        return _special.GetOrAdd((uri.Authority, insecure), _ => new Lazy<HttpMessageInvoker>(() =>
        {
            SocketsHttpHandler handler = Handler(options);
            handler.UseProxy = !direct;
            if (certificates is not null)
                HostCertificates.Apply(handler.SslOptions, certificates);
#pragma warning disable CA5359 // The administrator listed this host in insecure-registries, or it is this machine.
            if (insecure)
                handler.SslOptions.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
            return new HttpMessageInvoker(handler);
        })).Value;
    }

    private string? CertificatesOf(Uri uri)
    {
        if (options.CertificateDirectory is null || uri.Scheme != Uri.UriSchemeHttps)
            return null;
        string directory = Path.Combine(options.CertificateDirectory, uri.Authority);
        return Directory.Exists(directory) ? directory : null;
    }

    private static SocketsHttpHandler Handler(RegistryOptions options) => new()
    {
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        UseCookies = false,
        ConnectTimeout = options.ConnectTimeout,
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        PooledConnectionLifetime = TimeSpan.FromMinutes(10),
        MaxResponseHeadersLength = 64,
        ResponseDrainTimeout = TimeSpan.Zero,
    };
}

/// <summary>Certificates for one registry, in the layout of <c>/etc/docker/certs.d</c>.</summary>
internal static class HostCertificates
{
    public static void Apply(SslClientAuthenticationOptions tls, string directory)
    {
        try
        {
            X509Certificate2Collection authorities = [];
            foreach (string file in Directory.EnumerateFiles(directory, "*.crt").Order(StringComparer.Ordinal))
                authorities.ImportFromPemFile(file);
            X509Certificate2Collection clients = [];
            foreach (string file in Directory.EnumerateFiles(directory, "*.cert").Order(StringComparer.Ordinal))
                clients.Add(X509Certificate2.CreateFromPemFile(file, Path.ChangeExtension(file, ".key")));
            if (clients.Count > 0)
                tls.ClientCertificates = clients;
            if (authorities.Count > 0)
                tls.RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
                    IsTrusted(certificate, chain, errors, authorities);
        }
        catch (Exception exception) when (exception is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new RegistryException(FaultKind.InvalidArgument, $"read certificates in {directory}: {exception.Message}", exception);
        }
    }

    // The system's authorities still count: these are added to them.
    private static bool IsTrusted(
        X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors, X509Certificate2Collection authorities)
    {
        if (errors == SslPolicyErrors.None)
            return true;
        if (errors != SslPolicyErrors.RemoteCertificateChainErrors || certificate is not X509Certificate2 leaf || chain is null)
            return false;
        using X509Chain own = new();
        own.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        own.ChainPolicy.CustomTrustStore.AddRange(authorities);
        own.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        foreach (X509ChainElement element in chain.ChainElements)
            own.ChainPolicy.ExtraStore.Add(element.Certificate);
        return own.Build(leaf);
    }
}
