using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Berth.Tests;

namespace Berth.Attack.Tests;

/// <summary>3.5: the API, the daemon and its state.</summary>
public sealed class DaemonTests(AttackEngine engine)
{
    [Fact]
    public async Task E02_TcpWithoutTls_IsNotServed()
    {
        engine.Skip();
        using Process daemon = Process.Start(new ProcessStartInfo($"{AttackEngine.Programs}/berthd",
            ["--data-root", $"{engine.Root}/e02", "--exec-root", $"{engine.Root}/e02r", "-H", $"tcp://127.0.0.1:{FreePort.Next()}"])
        { RedirectStandardError = true })!;
        string said = await daemon.StandardError.ReadToEndAsync();
        await daemon.WaitForExitAsync();
        Assert.NotEqual(0, daemon.ExitCode);
        Assert.Contains("--tlsverify", said);
    }

    [Fact]
    public async Task E02_BrowserWithACertificate_IsRefusedByHostAndOrigin()
    {
        engine.Skip();
        string directory = Directory.CreateDirectory($"{engine.Root}/{engine.NewName("tls")}").FullName;
        using X509Certificate2 client = WriteCertificates(directory);
        int port = FreePort.Next();
        using Process daemon = Process.Start(new ProcessStartInfo($"{AttackEngine.Programs}/berthd",
        [
            "--data-root", $"{directory}/lib", "--exec-root", $"{directory}/run", "-H", $"tcp://127.0.0.1:{port}", "--bridge", "none",
            "--tlsverify", "--tlscacert", $"{directory}/ca.pem", "--tlscert", $"{directory}/cert.pem", "--tlskey", $"{directory}/key.pem",
        ]) { RedirectStandardError = true })!;
        while (await daemon.StandardError.ReadLineAsync() is { } line && !line.Contains("API listen on", StringComparison.Ordinal))
            Assert.False(daemon.HasExited);
        _ = daemon.StandardError.ReadToEndAsync();
        try
        {
            Assert.StartsWith("HTTP/1.1 200", await AskAsync(port, $"{directory}/cert.pem", client, "Host: localhost"));
            Assert.StartsWith("HTTP/1.1 403", await AskAsync(port, $"{directory}/cert.pem", client, "Host: rebound.example"));
            Assert.StartsWith("HTTP/1.1 403", await AskAsync(port, $"{directory}/cert.pem", client, "Host: localhost", "Origin: https://rebound.example"));
            Assert.StartsWith("HTTP/1.1 403", await AskAsync(port, $"{directory}/cert.pem", client, "Host: localhost", "Origin: null"));
            Assert.StartsWith("HTTP/1.1 400", await AskAsync(port, $"{directory}/cert.pem", client, "Host: localhost", "Host: rebound.example"));
            Assert.DoesNotContain("Access-Control", await AskAsync(port, $"{directory}/cert.pem", client, "Host: localhost"));
            await Assert.ThrowsAnyAsync<Exception>(() => AskAsync(port, $"{directory}/cert.pem", null, "Host: localhost"));
        }
        finally
        {
            await Shell.RunAsync("kill", ["-TERM", $"{daemon.Id}"]);
            await daemon.WaitForExitAsync();
        }
    }

    private static async Task<string> AskAsync(
        int port, string serverPath, X509Certificate2? certificate, params string[] headers)
    {
        using TcpClient connection = new();
        await connection.ConnectAsync(IPAddress.Loopback, port);
        await using SslStream tls = new(connection.GetStream(), false,
            (_, server, _, _) => server?.GetCertHashString() == X509CertificateLoader.LoadCertificateFromFile(serverPath).GetCertHashString());
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost", ClientCertificates = certificate is null ? [] : [certificate],
        });
        await tls.WriteAsync(Encoding.ASCII.GetBytes($"GET /version HTTP/1.1\r\n{string.Join("\r\n", headers)}\r\nConnection: close\r\n\r\n"));
        using StreamReader reader = new(tls);
        string answer = await reader.ReadToEndAsync();
        return answer.Length > 0 ? answer : throw new IOException("closed without an answer");
    }

    // An authority, a server named localhost and a client.
    private static X509Certificate2 WriteCertificates(string directory)
    {
        (DateTimeOffset from, DateTimeOffset to) = (DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        using ECDsa authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest authority = new("CN=authority", authorityKey, HashAlgorithmName.SHA256);
        authority.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using X509Certificate2 root = authority.CreateSelfSigned(from, to);
        File.WriteAllText($"{directory}/ca.pem", root.ExportCertificatePem());
        using X509Certificate2 server = Issue("localhost", "1.3.6.1.5.5.7.3.1");
        File.WriteAllText($"{directory}/cert.pem", server.ExportCertificatePem());
        File.WriteAllText($"{directory}/key.pem", server.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        using X509Certificate2 client = Issue("client", "1.3.6.1.5.5.7.3.2");
        return X509CertificateLoader.LoadPkcs12(client.Export(X509ContentType.Pkcs12), null);

        X509Certificate2 Issue(string name, string usage)
        {
            using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            CertificateRequest request = new($"CN={name}", key, HashAlgorithmName.SHA256);
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], false));
            SubjectAlternativeNameBuilder names = new();
            names.AddDnsName(name);
            request.CertificateExtensions.Add(names.Build());
            using X509Certificate2 issued = request.Create(root, from, to, RandomNumberGenerator.GetBytes(8));
            return X509CertificateLoader.LoadPkcs12(issued.CopyWithPrivateKey(key).Export(X509ContentType.Pkcs12), null,
                X509KeyStorageFlags.Exportable);
        }
    }

    [Fact]
    public async Task E03_State_IsClosedToTheHostsUsers() // CVE-2021-41091, CVE-2024-25621, CVE-2021-21284
    {
        engine.Skip();
        string volume = engine.NewName("evil");
        await engine.DoAsync("run", "--rm", "--network", "none", "-v", $"{volume}:/v", "-e", "PASSWORD=e03-secret", AttackEngine.Image, "sh", "-c",
            "cp /bin/busybox /v/suid; chmod 6755 /v/suid; chmod 777 /v");
        string suid = $"{engine.DataRoot}/volumes/{volume}/_data/suid";
        Assert.True(File.Exists(suid));
        // As a user of the host who knows every name.
        foreach (string reach in new[]
        {
            suid, $"{engine.DataRoot}/berth.db", $"{engine.DataRoot}/berth.db-wal", $"{engine.DataRoot}/build/cache.db", $"{engine.DataRoot}/layers/l",
            $"{engine.DataRoot}/content/blobs", $"{engine.ExecRoot}/containers/x",
        })
        {
            Completed tried = await Shell.RunAsync("setpriv", ["--reuid", "65533", "--regid", "65533", "--clear-groups", "ls", "-ld", reach]);
            Assert.Contains("Permission denied", tried.Errors);
        }
        Assert.Equal((UnixFileMode)0x1C8, File.GetUnixFileMode(engine.DataRoot));
        foreach (string file in new[] { "berth.db", "berth.db-wal", "build/cache.db" })
            Assert.Equal((UnixFileMode)0x180, File.GetUnixFileMode($"{engine.DataRoot}/{file}"));
        Assert.Equal((UnixFileMode)0, File.GetUnixFileMode(engine.Socket) & (UnixFileMode)7);
        await engine.DoAsync("volume", "rm", volume);
    }

    [Fact]
    public async Task E03_FilesOfAVolumeThatIsRemoved_AreRemovedInsideOnly()
    {
        engine.Skip();
        string outside = engine.NewOutside();
        Swapper swapper = await Swapper.StartAsync(engine,
            $"mkdir -p t/deep && ln -s ../../../../../../../..{outside} l && for i in $(seq 300); do touch t/$i; done", "t", "l");
        // A process on the host has the directory still, as one that was bound by its path would.
        using Process still = Process.Start(new ProcessStartInfo("chroot", [swapper.HostPath, "/t/none"]) { RedirectStandardError = true })!;
        await still.WaitForExitAsync();
        await swapper.DisposeAsync();
        Assert.Equal(["secret"], Directory.GetFileSystemEntries(outside).Select(Path.GetFileName));
    }

    [Fact]
    public async Task E05_ConnectionsThatSayNothing_DoNotKeepOthersOut()
    {
        engine.Skip();
        List<Socket> slow = [];
        for (int i = 0; i < 300; i++)
        {
            Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(engine.Socket));
            await socket.SendAsync(Encoding.ASCII.GetBytes(i % 2 == 0 ? "POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Length: 999\r\n\r\n{" : "GE"));
            slow.Add(socket);
        }
        await engine.DoAsync("ps");
        Assert.Equal("well\n", (await engine.RunAsync("echo well")).Output);
        slow.ForEach(static socket => socket.Dispose());
    }

    [Theory]
    [InlineData("..")]
    [InlineData("a/b")]
    [InlineData("a\nb")]
    [InlineData("-v")]
    [InlineData("ä")]
    [InlineData("a\u202Eb")]
    [InlineData("\u001b[31mred")]
    [InlineData("")]
    public async Task E06_OddNames_AreRefused(string name)
    {
        engine.Skip();
        string text = Uri.EscapeDataString(name);
        if (name.Length > 0)
            Assert.StartsWith("HTTP/1.1 400", await engine.PostAsync($"/containers/create?name={text}", $$"""{"Image":"{{AttackEngine.Image}}"}"""));
        string json = System.Text.Json.JsonSerializer.Serialize(name);
        if (name is not ("" or "-v"))
            Assert.StartsWith("HTTP/1.1 400", await engine.PostAsync("/volumes/create", $$"""{"Name":{{json}}}"""));
        Assert.StartsWith("HTTP/1.1 400", await engine.PostAsync("/networks/create", $$"""{"Name":{{json}}}"""));
        if (name is not ("" or "a/b"))
            Assert.StartsWith("HTTP/1.1 400", await engine.PostAsync($"/images/{AttackEngine.Image}/tag?repo={text}&tag=1", ""));
    }

    [Fact]
    public async Task E06_LongNames_AreRefused()
    {
        engine.Skip();
        string name = new('a', 10_000);
        Assert.StartsWith("HTTP/1.1 400", await engine.PostAsync($"/containers/create?name={name}", $$"""{"Image":"{{AttackEngine.Image}}"}"""));
        Assert.StartsWith("HTTP/1.1 400", await engine.PostAsync("/volumes/create", $$"""{"Name":"{{name}}"}"""));
        Assert.StartsWith("HTTP/1.1 404", await engine.RequestAsync("GET", $"/containers/{name}/json"));
    }

    [Fact]
    public async Task E06_NameLikeAnothersId_NamesItsOwner()
    {
        engine.Skip();
        string first = engine.NewName("stay");
        string id = (await engine.DoAsync("create", "--name", first, AttackEngine.Image, "true")).Trim();
        // The whole ID of the first as the name of a second: the ID still means the first.
        Completed second = await engine.BerthAsync("create", "--name", id, AttackEngine.Image, "true");
        Assert.Equal($"/{first}\n", await engine.DoAsync("inspect", "-f", "{{.Name}}", id));
        string third = (await engine.DoAsync("create", "--name", id[..12], AttackEngine.Image, "true")).Trim();
        Assert.Equal($"{third}\n", await engine.DoAsync("inspect", "-f", "{{.Id}}", id[..12]));
        Completed ambiguous = await engine.BerthAsync("rm", "-f", id[..1]);
        Assert.True(ambiguous.Code == 0 || ambiguous.All.Contains("No such", StringComparison.Ordinal)
            || ambiguous.All.Contains("Multiple IDs found", StringComparison.Ordinal), ambiguous.All);
        await engine.BerthAsync(["rm", "-f", first, third, .. second.Code == 0 ? [second.Output.Trim()] : Array.Empty<string>()]);
    }

    [Theory]
    [InlineData("ps", "-a", "--no-trunc")]
    [InlineData("images", "--no-trunc")]
    [InlineData("top")]
    [InlineData("history")]
    [InlineData("events")]
    [InlineData("missing")]
    public async Task E08_ControlCharacters_DoNotReachTheTerminalInTables(params string[] verb)
    {
        engine.Skip();
        const string Evil = "\u001b[2J\u001b]0;title\u0007\r\nforged line\u009b31m";
        long since = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        string name = engine.NewName("stay");
        string image = $"{engine.NewName("e08")}:1";
        await engine.ImportAsync(image, static tree => { }, $"LABEL a={Evil.Replace("\r\n", "").Replace(' ', '-')}");
        await engine.DoAsync("run", "-d", "--network", "none", "--name", name, "-l", $"x={Evil}", image, "sh", "-c", "sleep 1000", Evil);
        Completed run = verb[0] switch
        {
            "top" => await engine.BerthAsync("top", name),
            "history" => await engine.BerthAsync("history", "--no-trunc", image),
            "events" => await engine.BerthAsync("events", "--since", $"{since}", "--until", $"{DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 1}"),
            "missing" => await engine.BerthAsync("exec", name, Evil),
            _ => await engine.BerthAsync(verb),
        };
        // The engine ends an exec's own message as a terminal wants it.
        Assert.DoesNotContain(run.All.TrimEnd(), static character => character is '\u001b' or '\u0007' or '\u009b' or '\r');
        Assert.DoesNotContain(run.All.Split('\n'), static line => line.StartsWith("forged", StringComparison.Ordinal));
        await engine.RemoveAsync(name);
        await engine.DoAsync("rmi", image);
    }
}
