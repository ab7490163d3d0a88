using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Berth.EndToEnd.Tests.Robustness;
using Berth.Tests;

namespace Berth.EndToEnd.Tests;

/// <summary>An engine on tcp that wants to know its clients, through our command line and docker's with the same certificates.</summary>
public sealed class CliTlsTests : IAsyncLifetime
{
    private const string Docker = "/usr/local/bin/docker";
    private readonly string _home = Directory.CreateTempSubdirectory("berth-tls-").FullName;
    private OwnDaemon? _daemon;
    private string _address = "";

    public async ValueTask InitializeAsync()
    {
        if (OwnDaemon.Missing is not null)
            return;
        using ECDsa authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 authority = Authority("ca", authorityKey);
        await WriteAsync("ca.pem", authority.ExportCertificatePem());
        using ECDsa otherKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 other = Authority("other", otherKey);
        await WriteAsync("other.pem", other.ExportCertificatePem());
        await IssueAsync(authority, "server", "1.3.6.1.5.5.7.3.1");
        await IssueAsync(authority, "client", "1.3.6.1.5.5.7.3.2");
        _address = $"tcp://127.0.0.1:{FreePort.Next()}";
        _daemon = await OwnDaemon.StartAsync(
            null, "-H", _address, "--tlsverify", "--tlscacert", $"{_home}/ca.pem", "--tlscert", $"{_home}/server.pem", "--tlskey",
            $"{_home}/server-key.pem");
        await Eventually.HoldsAsync(ListensAsync);
        Directory.CreateDirectory($"{_home}/certificates");
        foreach ((string from, string to) in new[] { ("ca.pem", "ca.pem"), ("client.pem", "cert.pem"), ("client-key.pem", "key.pem") })
            File.Copy($"{_home}/{from}", $"{_home}/certificates/{to}");
    }

    public async ValueTask DisposeAsync()
    {
        if (_daemon is not null)
            await _daemon.DisposeAsync();
        Directory.Delete(_home, recursive: true);
    }

    [Fact]
    public async Task OptionsVariablesAndContexts_ReachTheEngine_ByBothClients()
    {
        Need();
        string[] flags = ["-H", _address, "--tlsverify", "--tlscacert", $"{_home}/ca.pem", "--tlscert", $"{_home}/client.pem",
            "--tlskey", $"{_home}/client-key.pem"];
        string endpoint = $"host={_address},ca={_home}/ca.pem,cert={_home}/client.pem,key={_home}/client-key.pem";
        foreach ((string maker, string user) in new[] { (Docker, EngineFixture.Berth), (EngineFixture.Berth, Docker) })
        {
            string name = Path.GetFileName(maker);
            await ReachesAsync(maker, flags);
            await ReachesAsync(maker, [], ("DOCKER_HOST", _address), ("DOCKER_TLS_VERIFY", "1"), ("DOCKER_CERT_PATH", $"{_home}/certificates"));
            Assert.Equal(0, (await RunAsync(maker, ["context", "create", name, "--docker", endpoint, "--description", "far"])).Code);
            Assert.Equal(0, (await RunAsync(
                maker, ["context", "create", name + "-skip", "--docker", $"{endpoint},skip-tls-verify=true".Replace("/ca.pem", "/other.pem")])).Code);
            // Both read the same folder: each uses what the other made, and takes its archive.
            foreach (string client in new[] { maker, user })
            {
                await ReachesAsync(client, ["-c", name]);
                await ReachesAsync(client, ["-c", name + "-skip"]);
            }
            string file = $"{_home}/{name}.tar";
            Assert.Equal(0, (await RunAsync(maker, ["context", "export", name, file])).Code);
            Assert.Equal(0, (await RunAsync(user, ["context", "import", name + "-taken", file])).Code);
            await ReachesAsync(user, ["-c", name + "-taken"]);
            Assert.Equal(0, (await RunAsync(user, ["context", "update", name + "-taken", "--docker", endpoint.Replace("/ca.pem", "/other.pem")])).Code);
            Completed refused = await RunAsync(maker, ["-c", name + "-taken", "ps"]);
            Assert.Equal(1, refused.Code);
            Assert.Contains("x509: certificate signed by unknown authority", refused.Errors);
        }
        string inspected = (await RunAsync(Docker, ["context", "inspect", "berth", "docker"])).Output;
        Assert.Equal(inspected, (await RunAsync(EngineFixture.Berth, ["context", "inspect", "berth", "docker"])).Output);
    }

    [Fact]
    public async Task WhatIsMissingOrWrong_IsSaidInASentence()
    {
        Need();
        string[] client = ["--tlscert", $"{_home}/client.pem", "--tlskey", $"{_home}/client-key.pem"];
        foreach ((string[] arguments, string said) in new (string[], string)[]
        {
            (["-H", _address, "ps"], "EOF: the engine closed the connection: if it speaks TLS, give --tlsverify"),
            (["-H", _address, "--tlsverify", "ps"], $"unable to resolve docker endpoint: open {_home}/ca.pem.not: no such file or directory"),
            (["-H", _address, "--tlsverify", "--tlscacert", $"{_home}/ca.pem", "ps"], "it may ask for a client certificate: give --tlscert and --tlskey"),
            (["-H", _address, "--tlsverify", "--tlscacert", $"{_home}/other.pem", .. client, "ps"],
                $"x509: certificate signed by unknown authority: it is not signed by {_home}/other.pem"),
            (["-H", _address, "--tlsverify", "--tlscacert", $"{_home}/ca.pem", "--tlscert", "/gone.pem", "ps"], "open /gone.pem: no such file or directory"),
            (["-H", _address, "--tlsverify", "--tlscacert", $"{_home}/ca.pem", "--tlscert", $"{_home}/client.pem", "--tlskey",
                $"{_home}/server-key.pem", "ps"], "tls: private key does not match public key"),
            (["-H", _address, "version", "-f", "{{.Server.Version}}"], "error during connect: "),
            (["context", "create", "new", "--docker", $"host={_address},ca=/gone.pem"], "unable to create docker endpoint config: open /gone.pem"),
            (["context", "create", "new", "--docker", $"host={_address},skip-tls-verify=maybe"], "skip-tls-verify: parsing \"maybe\": invalid syntax"),
        })
        {
            Completed refused = await RunAsync(EngineFixture.Berth, arguments);
            Assert.Equal(1, refused.Code);
            Assert.Contains(said.Replace($"{_home}/ca.pem.not", $"{_home}/config/ca.pem", StringComparison.Ordinal), refused.Errors);
        }
    }

    private async Task ReachesAsync(string client, string[] options, params (string Name, string Value)[] variables)
    {
        Completed run = await RunAsync(client, [.. options, "run", "--rm", "--network", "none", "bb", "echo", "reached"], variables);
        Assert.True(run.Output == "reached\n", $"{client} {string.Join(' ', options)}: {run.Output}{run.Errors}");
    }

    private Task<Completed> RunAsync(string client, string[] arguments, params (string Name, string Value)[] variables) => Program.RunAsync(
        "env", ["-uDOCKER_HOST", "-uBERTH_HOST", $"DOCKER_CONFIG={_home}/config", .. variables.Select(static v => $"{v.Name}={v.Value}"),
            client, .. arguments], "");

    private async Task<bool> ListensAsync()
    {
        try
        {
            using TcpClient client = new();
            await client.ConnectAsync(IPAddress.Loopback, new Uri(_address).Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private async Task WriteAsync(string file, string text) =>
        await File.WriteAllTextAsync($"{_home}/{file}", text, TestContext.Current.CancellationToken);

    private static X509Certificate2 Authority(string name, ECDsa key)
    {
        CertificateRequest request = new($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(7));
    }

    private async Task IssueAsync(X509Certificate2 authority, string name, string usage)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new($"CN={name}", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], false));
        using X509Certificate2 issued = request.Create(
            authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(6), RandomNumberGenerator.GetBytes(8));
        await WriteAsync($"{name}.pem", issued.ExportCertificatePem());
        await WriteAsync($"{name}-key.pem", key.ExportPkcs8PrivateKeyPem());
    }

    private static void Need()
    {
        Assert.SkipWhen(OwnDaemon.Missing is not null, OwnDaemon.Missing ?? "");
        Assert.SkipUnless(File.Exists(Docker), "docker 28 is not installed");
    }
}
