using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Berth.Tests;

namespace Berth.Distribution.Tests;

/// <summary>Debian's docker-registry on loopback, with what a test adds to its configuration.</summary>
internal sealed class RegistryServer : IAsyncDisposable
{
    private readonly Process _process;
    private readonly string _directory;

    private RegistryServer(Process process, string directory, int port) => (_process, _directory, Port) = (process, directory, port);

    public int Port { get; }

    public string Host => $"127.0.0.1:{Port}";

    public static void SkipUnlessInstalled(params string[] programs)
    {
        foreach (string program in (string[])["/usr/bin/docker-registry", .. programs])
            Assert.SkipUnless(File.Exists(program), $"{program} is not installed");
    }

    public static async Task<RegistryServer> StartAsync(
        string http = "", string auth = "", string address = "127.0.0.1", int port = 0, string rest = "")
    {
        string directory = Directory.CreateTempSubdirectory("berth-registry-").FullName;
        if (port == 0)
            port = FreePort.Next();
        await File.WriteAllTextAsync($"{directory}/config.yml",
            $"version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {directory}/data\n"
            + $"http:\n  addr: {address}:{port}\n{http}{auth}{rest}", TestContext.Current.CancellationToken);
        Process process = Process.Start(new ProcessStartInfo("/usr/bin/docker-registry", ["serve", $"{directory}/config.yml"])
        {
            RedirectStandardError = true, RedirectStandardOutput = true,
        })!;
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        RegistryServer server = new(process, directory, port);
        await server.ListensAsync();
        return server;
    }

    public static async Task<string> RunAsync(string directory, string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = directory,
        })!;
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {await error}");
        return output;
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private async Task ListensAsync()
    {
        for (int i = 0; i < 1200 && !_process.HasExited; i++)
        {
            try
            {
                using TcpClient client = new();
                await client.ConnectAsync(IPAddress.Loopback, Port, TestContext.Current.CancellationToken);
                return;
            }
            catch (SocketException)
            {
                await Task.Delay(25, TestContext.Current.CancellationToken);
            }
        }
        Assert.Fail("docker-registry does not listen");
    }
}

/// <summary>An authority of the test's own and what it signs.</summary>
internal sealed class TestAuthority : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public TestAuthority()
    {
        CertificateRequest request = new("CN=Berth test authority", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        Root = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    public X509Certificate2 Root { get; }

    /// <summary>A certificate for 127.0.0.1 and localhost.</summary>
    public X509Certificate2 Issue(AsymmetricAlgorithm key, IPAddress? address = null)
    {
        CertificateRequest request = key is RSA rsa
            ? new CertificateRequest("CN=localhost", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            : new CertificateRequest("CN=localhost", (ECDsa)key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddIpAddress(IPAddress.Loopback);
        names.AddDnsName("localhost");
        if (address is not null)
            names.AddIpAddress(address);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        byte[] serial = RandomNumberGenerator.GetBytes(8);
        serial[0] &= 0x7f;
        return request.Create(
            Root.SubjectName, X509SignatureGenerator.CreateForECDsa(_key), DateTimeOffset.UtcNow.AddHours(-1),
            DateTimeOffset.UtcNow.AddHours(20), serial);
    }

    public void Dispose()
    {
        Root.Dispose();
        _key.Dispose();
    }
}
