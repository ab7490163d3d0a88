using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Berth.Faults;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.Json;
using Berth.Oci.References;
using Berth.Tests;

namespace Berth.Distribution.Tests;

/// <summary>Against docker-registry over TLS, skopeo, umoci and connections that break.</summary>
public sealed class PeerPullTests : IDisposable
{
    private readonly string _scratch = Directory.CreateTempSubdirectory("berth-peer-").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_scratch, recursive: true);

    [Fact]
    public async Task PushThenPull_HttpsWithOwnAuthority_NeedsItsCertificate()
    {
        RegistryServer.SkipUnlessInstalled();
        // 127.0.0.2 to 127.0.0.1 are all loopback, which needs no certificate: an address of the machine's own is used.
        string? address = MachineAddress();
        Assert.SkipUnless(address is not null, "the machine has no way to others, so no address of its own");
        using TestAuthority authority = new();
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 certificate = authority.Issue(key, IPAddress.Parse(address!));
        await File.WriteAllTextAsync($"{_scratch}/server.crt", certificate.ExportCertificatePem(), Cancel);
        await File.WriteAllTextAsync($"{_scratch}/server.key", key.ExportECPrivateKeyPem(), Cancel);
        await using RegistryServer registry = await RegistryServer.StartAsync(
            $"  tls:\n    certificate: {_scratch}/server.crt\n    key: {_scratch}/server.key\n", address: "0.0.0.0");
        await using FakeRegistry source = await FakeRegistry.StartAsync();
        source.AddImage("1", layers: 2, bytes: 100_000);
        string host = $"{address}:{registry.Port}";
        string certs = $"{_scratch}/certs.d";
        Directory.CreateDirectory($"{certs}/{host}");
        RegistryOptions options = new() { CertificateDirectory = certs, Attempts = 1 };

        using Rig strict = new(options);
        using PullResult image = await strict.PullAsync($"{source.Host}/a:1");
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => strict.PushAsync($"{host}/x:1", image));
        Assert.Contains("tls: failed to verify certificate", fault.Message, StringComparison.Ordinal);
        Assert.Contains($"/etc/docker/certs.d/{host}/ca.crt", fault.Message, StringComparison.Ordinal);

        await File.WriteAllTextAsync($"{certs}/{host}/ca.crt", authority.Root.ExportCertificatePem(), Cancel);
        using Rig trusting = new(options);
        using PullResult again = await trusting.PullAsync($"{source.Host}/a:1");
        await trusting.PushAsync($"{host}/x:1", again);
        using Rig other = new(options);
        (await other.PullAsync($"{host}/x:1")).Dispose();

        foreach (string insecure in (string[])[host, $"{address}/32", address![..(address.LastIndexOf('.') + 1)] + "0/24"])
        {
            using Rig lax = new(new RegistryOptions { CertificateDirectory = null, InsecureRegistries = [insecure] });
            (await lax.PullAsync($"{host}/x:1")).Dispose();
        }
        using Rig elsewhere = new(new RegistryOptions { CertificateDirectory = null, InsecureRegistries = ["198.51.100.0/24"], Attempts = 1 });
        await Assert.ThrowsAsync<FaultException>(() => elsewhere.PullAsync($"{host}/x:1"));
    }

    [Fact]
    public async Task Pull_HttpOnly_OnlyWhereItIsAllowed()
    {
        RegistryServer.SkipUnlessInstalled();
        string? address = MachineAddress();
        Assert.SkipUnless(address is not null, "the machine has no way to others, so no address of its own");
        await using RegistryServer registry = await RegistryServer.StartAsync(address: "0.0.0.0");
        await using FakeRegistry source = await FakeRegistry.StartAsync();
        source.AddImage("1", layers: 1, bytes: 10_000);
        using Rig rig = new(new RegistryOptions { Attempts = 1 });
        using PullResult image = await rig.PullAsync($"{source.Host}/a:1");
        await rig.PushAsync($"{registry.Host}/x:1", image);
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => rig.PullAsync($"{address}:{registry.Port}/x:1"));
        Assert.Contains("http: server gave HTTP response to HTTPS client", fault.Message, StringComparison.Ordinal);
        using Rig allowed = new(new RegistryOptions { InsecureRegistries = [$"{address}/32"] });
        (await allowed.PullAsync($"{address}:{registry.Port}/x:1")).Dispose();
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("zstd")]
    public async Task Pull_UmociImagePushedBySkopeo_HasItsLayers(string compression)
    {
        RegistryServer.SkipUnlessInstalled("/usr/bin/umoci", "/usr/bin/skopeo");
        await using RegistryServer registry = await RegistryServer.StartAsync();
        await RegistryServer.RunAsync(_scratch, "/bin/sh", "-ec",
            "umoci init --layout img; umoci new --image img:a; umoci unpack --image img:a b; echo one > b/rootfs/one; umoci repack --image img:a b; "
            + "rm -r b; umoci unpack --image img:a b; echo two > b/rootfs/two; rm b/rootfs/one; umoci repack --image img:a b");
        await RegistryServer.RunAsync(_scratch, "/usr/bin/skopeo", "copy", "-q", "--dest-tls-verify=false", "--dest-compress-format", compression,
            "--dest-compress", "oci:img:a", $"docker://{registry.Host}/u/img:a");
        using Rig rig = new();
        using PullResult image = await rig.PullAsync($"{registry.Host}/u/img:a");
        Assert.Equal(2, image.Layers.Count);
        Assert.Equal(2, rig.Layers.Tars.Count);
        Assert.Contains(rig.Layers.Tars.Values, tar => Encoding.Latin1.GetString(tar).Contains(".wh.one", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Pull_IndexInAnIndex_ChoosesThePlatform()
    {
        await using FakeRegistry registry = await FakeRegistry.StartAsync();
        Descriptor arm = registry.AddImage("arm", 1, 1000, "arm64", seed: 2) with { Platform = new Platform { Os = "linux", Architecture = "arm64" } };
        Descriptor amd = registry.AddImage("amd", 1, 1000, "amd64", seed: 3) with { Platform = new Platform { Os = "linux", Architecture = "amd64" } };
        Descriptor inner = registry.AddManifest("inner", MediaTypes.OciIndex, OciJson.Write(
            new ImageIndex { MediaType = MediaTypes.OciIndex, Manifests = [arm, amd] }, OciJson.ImageIndex));
        registry.AddManifest("outer", MediaTypes.OciIndex, OciJson.Write(
            new ImageIndex { MediaType = MediaTypes.OciIndex, Manifests = [inner] }, OciJson.ImageIndex));
        using Rig rig = new();
        foreach (Descriptor wanted in (Descriptor[])[arm, amd])
        {
            using PullResult image = await rig.PullAsync($"{registry.Host}/a:outer", platform: wanted.Platform);
            Assert.Equal(wanted.Digest, image.Manifest.Descriptor.Digest);
        }
    }

    [Fact]
    public async Task Push_LocallyBuilt_IsCompressedOnceAndTheSameEachTime()
    {
        RegistryServer.SkipUnlessInstalled();
        await using RegistryServer first = await RegistryServer.StartAsync(), second = await RegistryServer.StartAsync();
        byte[] tar = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("a layer that was built here ", 20_000)));
        int written = 0;
        PushRequest Request(string host) => LocalImage(host, tar, async (_, stream, token) =>
        {
            Interlocked.Increment(ref written);
            await stream.WriteAsync(tar, token);
        });
        using Rig rig = new(), another = new();
        PushResult one = await rig.Distribution.PushAsync(Request(first.Host), rig.Events, Cancel);
        PushResult again = await rig.Distribution.PushAsync(Request(second.Host), rig.Events, Cancel);
        Assert.Equal(1, written);
        PushResult elsewhere = await another.Distribution.PushAsync(Request(second.Host), another.Events, Cancel);
        Assert.Equal(2, written);
        Assert.Equal(one.Manifest.Bytes.ToArray(), again.Manifest.Bytes.ToArray());
        Assert.Equal(one.Manifest.Bytes.ToArray(), elsewhere.Manifest.Bytes.ToArray());
        using Rig fresh = new();
        (await fresh.PullAsync($"{first.Host}/local:1")).Dispose();
        Assert.Equal(tar, Assert.Single(fresh.Layers.Tars.Values));
    }

    [Fact]
    public async Task Push_ConnectionBreaksInABlob_GoesOn()
    {
        RegistryServer.SkipUnlessInstalled();
        await using RegistryServer registry = await RegistryServer.StartAsync();
        await using BreakingProxy proxy = new(registry.Port, breakAfterBytes: 3_000_000, breaks: 2);
        byte[] tar = new byte[8_000_000];
        new Random(7).NextBytes(tar);
        using Rig rig = new();
        PushRequest request = LocalImage(proxy.Host, tar, (_, stream, token) => stream.WriteAsync(tar, token).AsTask());
        PushResult pushed = await rig.Distribution.PushAsync(request, rig.Events, Cancel);
        Assert.Equal(2, proxy.Broken);
        using Rig fresh = new();
        using PullResult back = await fresh.PullAsync($"{registry.Host}/local:1");
        Assert.Equal(pushed.Manifest.Descriptor.Digest, back.Manifest.Descriptor.Digest);
        Assert.Equal(tar, Assert.Single(fresh.Layers.Tars.Values));
    }

    [Fact]
    public async Task Pull_HubName_TriesTheMirrorsInOrderWithoutCredentials()
    {
        await using FakeRegistry mirror = await FakeRegistry.StartAsync();
        mirror.AddImage("1", layers: 1, bytes: 1000);
        int closed = FreePort.Next();
        using Rig rig = new(new RegistryOptions { Mirrors = [$"http://127.0.0.1:{closed}", $"http://{mirror.Host}"], Attempts = 1 });
        RegistryCredentials hub = new() { Username = "ann", Password = "for-the-hub-only" };
        using PullResult image = await rig.PullAsync("busybox:1", hub);
        Assert.Contains("GET /v2/library/busybox/manifests/1", mirror.Requests);
        Assert.Empty(mirror.Authorizations);
        Assert.Equal("docker.io/library/busybox:1", image.Reference.ToString());
    }

    [Fact]
    public async Task Pull_NobodyListens_SaysWhatToDo()
    {
        int closed = FreePort.Next();
        using Rig rig = new(new RegistryOptions { Attempts = 1 });
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => rig.PullAsync($"127.0.0.1:{closed}/x:1"));
        Assert.Equal(FaultKind.Unavailable, fault.Kind);
        Assert.Contains($"dial tcp 127.0.0.1:{closed}: connect: connection refused: ", fault.Message, StringComparison.Ordinal);
    }

    private static PushRequest LocalImage(string host, byte[] tar, Func<PushLayer, Stream, CancellationToken, Task> write)
    {
        DiffId diff = new(Digest.Of(tar));
        ImageConfig config = new() { Os = "linux", Architecture = "amd64", RootFs = new RootFs { DiffIds = [diff.Digest] } };
        return new PushRequest
        {
            Reference = ImageReference.Parse($"{host}/local:1"), Config = OciJson.Write(config, OciJson.ImageConfig),
            Layers = [new PushLayer(diff, ChainId.Extend(null, diff))], WriteLayerTar = write,
        };
    }

    // The address from which the machine would send to another one; nothing is sent. Not by NetworkInterface of .NET, which fails where
    // an interface goes away while it reads.
    private static string? MachineAddress()
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            socket.Connect(IPAddress.Parse("192.0.2.1"), 9);
        }
        catch (SocketException)
        {
            return null;
        }
        return ((IPEndPoint)socket.LocalEndPoint!).Address.ToString();
    }

    /// <summary>Passes connections on and cuts some after a number of bytes towards the server.</summary>
    private sealed class BreakingProxy : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _accepting;
        private readonly int _port;
        private readonly long _breakAfterBytes;
        private int _breaksLeft;
        private int _broken;

        public BreakingProxy(int port, long breakAfterBytes, int breaks)
        {
            (_port, _breakAfterBytes, _breaksLeft) = (port, breakAfterBytes, breaks);
            _listener.Start();
            _accepting = AcceptAsync();
        }

        public string Host => $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

        public int Broken => _broken;

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            _listener.Stop();
            await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _stop.Dispose();
        }

        private async Task AcceptAsync()
        {
            List<Task> connections = [];
            try
            {
                while (true)
                    connections.Add(PassAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
            }
            catch (Exception ended) when (ended is OperationCanceledException or SocketException)
            {
                await Task.WhenAll(connections);
            }
        }

        private async Task PassAsync(TcpClient client)
        {
            using TcpClient server = new();
            using (client)
            {
                try
                {
                    await server.ConnectAsync(IPAddress.Loopback, _port, _stop.Token);
                    Task up = CopyAsync(client.GetStream(), server.GetStream(), mayBreak: true);
                    Task down = CopyAsync(server.GetStream(), client.GetStream(), mayBreak: false);
                    await Task.WhenAny(up, down);
                    client.Close();
                    server.Close();
                    await Task.WhenAll(up, down);
                }
                catch (Exception ended) when (ended is OperationCanceledException or IOException or SocketException or ObjectDisposedException)
                {
                    // Cut, by this proxy or by its end.
                }
            }
        }

        private async Task CopyAsync(NetworkStream from, NetworkStream to, bool mayBreak)
        {
            byte[] buffer = new byte[64 * 1024];
            long passed = 0;
            while (await from.ReadAsync(buffer, _stop.Token) is > 0 and int count)
            {
                await to.WriteAsync(buffer.AsMemory(0, count), _stop.Token);
                passed += count;
                if (mayBreak && passed > _breakAfterBytes && Interlocked.Decrement(ref _breaksLeft) >= 0)
                {
                    Interlocked.Increment(ref _broken);
                    return;
                }
            }
        }
    }
}
