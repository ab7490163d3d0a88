using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Berth.Faults;
using Berth.Oci.References;
using Berth.Tests;

namespace Berth.Distribution.Tests;

/// <summary>Against Debian's docker-registry and skopeo.</summary>
public sealed class PeerTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task PushThenPull_RealRegistry_IsByteForByte(bool locked)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/docker-registry") && File.Exists("/usr/bin/skopeo"), "docker-registry and skopeo are not installed");
        await using FakeRegistry source = await FakeRegistry.StartAsync();
        source.AddImage("1", layers: 3, bytes: 300_000);
        await using RealRegistry registry = await RealRegistry.StartAsync(locked, Cancel);
        RegistryCredentials? user = locked ? new RegistryCredentials { Username = "ann", Password = "secret" } : null;
        using Rig rig = new();
        using PullResult image = await rig.PullAsync($"{source.Host}/a:1");
        PushResult pushed = await rig.PushAsync($"{registry.Host}/x/y:1", image, user);
        Assert.Equal(image.Manifest.Descriptor.Digest, pushed.Manifest.Descriptor.Digest);
        Assert.Equal(3, rig.Events.Lines.Count(line => line.EndsWith(": Pushed", StringComparison.Ordinal)));
        // The sentence and the aux are two steps: clients show nothing of a line that has an aux.
        Oci.Images.Descriptor manifest = image.Manifest.Descriptor;
        Assert.Equal([$"1: digest: {manifest.Digest} size: {manifest.Size}", ""], rig.Events.Lines.TakeLast(2));
        Assert.Equal(new PushedManifest("1", manifest.Digest, manifest.Size), Assert.Single(rig.Events.All, step => step.Aux is not null).Aux);
        await rig.PushAsync($"{registry.Host}/x/y:2", image, user);
        Assert.Equal(3, rig.Events.Lines.Count(line => line.EndsWith(": Layer already exists", StringComparison.Ordinal)));
        await rig.PushAsync($"{registry.Host}/other:1", image, user, mountFrom: $"{registry.Host}/x/y");
        Assert.Equal(3, rig.Events.Lines.Count(line => line.EndsWith(": Mounted from x/y", StringComparison.Ordinal)));

        using Rig fresh = new();
        using PullResult back = await fresh.PullAsync($"{registry.Host}/x/y:2", user);
        Assert.Equal(image.Manifest.Bytes.ToArray(), back.Manifest.Bytes.ToArray());
        Assert.All(back.Layers, layer => Assert.Equal(rig.Blobs.Get(layer.Digest), fresh.Blobs.Get(layer.Digest)));
        Assert.Equal(["1", "2"], (await rig.Distribution.ListTagsAsync(ImageReference.Parse($"{registry.Host}/x/y"), user, Cancel)).Order());
        string raw = await RealRegistry.RunAsync("/usr/bin/skopeo", ["inspect", "--raw", "--tls-verify=false",
            .. locked ? new[] { "--creds", "ann:secret" } : [], $"docker://{registry.Host}/x/y:1"], Cancel);
        Assert.Equal(image.Manifest.Bytes.ToArray(), System.Text.Encoding.UTF8.GetBytes(raw));
        if (locked)
            await AssertLockedAsync(rig, registry);
    }

    private static async Task AssertLockedAsync(Rig rig, RealRegistry registry)
    {
        FaultException nobody = await Assert.ThrowsAsync<FaultException>(() => rig.PullAsync($"{registry.Host}/x/y:1"));
        Assert.EndsWith("no basic auth credentials", nobody.Message, StringComparison.Ordinal);
        RegistryCredentials wrong = new() { Username = "ann", Password = "hunter2", ServerAddress = registry.Host };
        FaultException refused = await Assert.ThrowsAsync<FaultException>(() => rig.Distribution.LoginAsync(wrong, Cancel));
        Assert.Equal(FaultKind.Unauthorized, refused.Kind);
        Assert.DoesNotContain("hunter2", refused.ToString(), StringComparison.Ordinal);
        Assert.Equal("Login Succeeded", (await rig.Distribution.LoginAsync(wrong with { Password = "secret" }, Cancel)).Status);
    }

    internal sealed class RealRegistry(Process process, string directory, string host) : IAsyncDisposable
    {
        // htpasswd -Bbn ann secret
        private const string Users = "ann:$2y$04$Po7/FeGtnd4TAJPITB3AFOya1xiiC8V27gBRPjY5uLHqFmxJQ5AlS\n";

        public static bool IsInstalled => File.Exists("/usr/bin/docker-registry");

        public string Host => host;

        public static async Task<RealRegistry> StartAsync(bool locked, CancellationToken cancellationToken)
        {
            string directory = Directory.CreateTempSubdirectory("berth-registry-").FullName;
            int port = FreePort.Next();
            string auth = locked ? $"auth:\n  htpasswd:\n    realm: test\n    path: {directory}/users\n" : "";
            await File.WriteAllTextAsync($"{directory}/users", Users, cancellationToken);
            await File.WriteAllTextAsync($"{directory}/config.yml",
                $"version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {directory}/data\nhttp:\n  addr: 127.0.0.1:{port}\n{auth}",
                cancellationToken);
            ProcessStartInfo start = new("/usr/bin/docker-registry", ["serve", $"{directory}/config.yml"])
            {
                RedirectStandardError = true, RedirectStandardOutput = true,
            };
            Process process = Process.Start(start)!;
            process.OutputDataReceived += static (_, _) => { };
            process.ErrorDataReceived += static (_, _) => { };
            process.BeginErrorReadLine();
            process.BeginOutputReadLine();
            await ListensAsync(port, process, cancellationToken);
            return new RealRegistry(process, directory, $"127.0.0.1:{port}");
        }

        public static async Task<string> RunAsync(string program, string[] arguments, CancellationToken cancellationToken)
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
            string output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            Assert.Equal(0, process.ExitCode);
            return output;
        }

        public async ValueTask DisposeAsync()
        {
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
            Directory.Delete(directory, recursive: true);
        }

        private static async Task ListensAsync(int port, Process process, CancellationToken cancellationToken)
        {
            for (int i = 0; i < 1200 && !process.HasExited; i++)
            {
                try
                {
                    using TcpClient client = new();
                    await client.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
                    return;
                }
                catch (SocketException)
                {
                    await Task.Delay(25, cancellationToken);
                }
            }
            Assert.Fail("docker-registry does not listen");
        }
    }
}
