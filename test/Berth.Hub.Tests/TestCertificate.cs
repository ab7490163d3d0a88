using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Berth.Hub.Tests;

/// <summary>Certificates that nobody vouches for.</summary>
internal static class TestCertificate
{
    /// <summary>Writes a new one of this name, and its key, as PEM files.</summary>
    public static void Write(string name, string certificatePath, string keyPath)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        File.WriteAllText(certificatePath, certificate.ExportCertificatePem());
        File.WriteAllText(keyPath, key.ExportPkcs8PrivateKeyPem());
    }
}
