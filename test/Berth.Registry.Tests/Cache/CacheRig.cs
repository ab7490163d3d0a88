using System.Text;
using Berth.Oci;
using Berth.Registry.Cache;
using Berth.Registry.Hosting;
using Berth.Registry.Tests.Hosting;

namespace Berth.Registry.Tests.Cache;

/// <summary>A hub that passes on a registry that answers as a test says.</summary>
public abstract class CacheRig : IAsyncLifetime
{
    /// <summary>The repository of <see cref="Serve"/> as the hub has it.</summary>
    protected const string Name = "/v2/up.example/library/app";

    /// <summary>What the hub signs in with.</summary>
    protected const string Credentials = "Basic bWU6c2VjcmV0";

    internal FakeUpstream Upstream { get; private set; } = null!;

    private protected HubRig Hub { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Upstream = await FakeUpstream.StartAsync();
        Hub = new CachingHub(Configure(new UpstreamOptions
        {
            Prefix = "up.example", Address = Upstream.Address, UserName = "me", Password = "secret",
        }));
        await Hub.InitializeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Hub.DisposeAsync();
        await Upstream.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>What a test wants to be otherwise.</summary>
    protected virtual UpstreamOptions Configure(UpstreamOptions options) => options;

    /// <summary>Puts an image of one layer into the upstream.</summary>
    protected (string Manifest, byte[] Layer) Serve(string tag, string content, string repository = "library/app")
    {
        byte[] layer = Encoding.UTF8.GetBytes(content);
        string manifest = HubRig.Image(HubRig.DigestOf("{}"), Digest.Of(layer));
        string digest = HubRig.DigestOf(manifest).ToString();
        foreach (string reference in new[] { tag, digest })
            Upstream.Content[$"/v2/{repository}/manifests/{reference}"] = (HubRig.OciManifest, Encoding.UTF8.GetBytes(manifest), digest);
        foreach (byte[] blob in new[] { layer, "{}"u8.ToArray() })
            Upstream.Content[$"/v2/{repository}/blobs/{Digest.Of(blob)}"] = ("application/octet-stream", blob, Digest.Of(blob).ToString());
        return (manifest, layer);
    }

    protected Task<string> TextAsync(string path) => Hub.Client.GetStringAsync(new Uri(path, UriKind.Relative));

    /// <summary>How often the upstream was asked so.</summary>
    protected int CountOf(string prefix) => Upstream.Requests.Count(request => request.StartsWith(prefix, StringComparison.Ordinal));

    /// <summary>Waits until something is so.</summary>
    protected static async Task UntilAsync(Func<bool> isSo)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (!isSo())
            await Task.Delay(5, patience.Token);
    }

    private sealed class CachingHub(UpstreamOptions upstream) : HubRig
    {
        public override HubOptions Options => base.Options with { Upstreams = [upstream] };
    }
}
