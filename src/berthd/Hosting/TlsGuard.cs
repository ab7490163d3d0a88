using System.Security.Cryptography.X509Certificates;
using Berth.Daemon.Options;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Berth.Daemon.Hosting;

/// <summary>Who may speak over TCP: clients with a certificate of our authority, and never a web page.</summary>
internal sealed class TlsGuard(TlsFiles files)
{
    private readonly X509Certificate2 _certificate = X509CertificateLoader.LoadCertificateFromFile(files.Certificate);

    /// <summary>True for a request that a browser was made to send: it has an origin, or names a host that is not ours
    /// (rebinding of names). A client certificate alone does not help there, for browsers send it along.</summary>
    public bool Refuses(HttpContext http)
    {
        if (http.Connection.LocalIpAddress is null)
            return false;
        string host = http.Request.Host.Host;
        return http.Request.Headers.Origin.Count > 0
            || !(System.Net.IPAddress.TryParse(host.Trim('[', ']'), out _) || host == "localhost"
                || (host.Length > 0 && _certificate.MatchesHostname(host)));
    }

    /// <summary>403.</summary>
    public static Task RefuseAsync(HttpContext http)
    {
        http.Response.StatusCode = StatusCodes.Status403Forbidden;
        http.Response.ContentType = "application/json";
        return http.Response.WriteAsync("{\"message\":\"requests from web pages and for other hosts are refused\"}\n");
    }
}

/// <summary>TLS as Kestrel wants it.</summary>
internal static class TlsFilesExtensions
{
    /// <summary>Loads the files.</summary>
    /// <exception cref="FaultException">InvalidArgument: one cannot be read or is no certificate.</exception>
    public static HttpsConnectionAdapterOptions ToHttps(this TlsFiles files)
    {
        try
        {
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPemFile(files.Authority);
            return new HttpsConnectionAdapterOptions
            {
                ServerCertificate = X509Certificate2.CreateFromPemFile(files.Certificate, files.Key),
                ClientCertificateMode = ClientCertificateMode.RequireCertificate,
                ClientCertificateValidation = (certificate, _, _) => IsSigned(certificate, authorities),
            };
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException
            or System.Security.Cryptography.CryptographicException)
        {
            throw FaultException.Invalid($"load TLS certificates: {failure.Message}", failure);
        }
    }

    // RFC 5280: the extended key usage "TLS client authentication".
    private static readonly System.Security.Cryptography.Oid s_clientAuthentication = new("1.3.6.1.5.5.7.3.2");

    private static bool IsSigned(X509Certificate2 certificate, X509Certificate2Collection authorities)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.ApplicationPolicy.Add(s_clientAuthentication);
        return chain.Build(certificate);
    }
}
