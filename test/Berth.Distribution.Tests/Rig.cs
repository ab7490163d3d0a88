using Berth.Oci.Images;
using Berth.Oci.References;

namespace Berth.Distribution.Tests;

/// <summary>The thing under test with stores in memory.</summary>
internal sealed class Rig : IDisposable
{
    public Rig(RegistryOptions? options = null) => Distribution = new ImageDistribution(
        (options ?? new RegistryOptions()) with { RetryDelay = TimeSpan.FromMilliseconds(1), RetryDelayMax = TimeSpan.FromMilliseconds(20) },
        Blobs, Layers, Index, TimeProvider.System);

    public MemoryBlobStore Blobs { get; } = new();

    public MemoryLayers Layers { get; } = new();

    public MemoryIndex Index { get; } = new();

    public ImageDistribution Distribution { get; }

    public Events Events { get; private set; } = new();

    public Task<PullResult> PullAsync(
        string reference, RegistryCredentials? credentials = null, Platform? platform = null, Berth.Oci.Digest? current = null)
    {
        Events = new Events();
        return Distribution.PullAsync(
            new PullRequest
            {
                Reference = ImageReference.Parse(reference), Credentials = credentials, Platform = platform, CurrentImageId = current,
            },
            Events, TestContext.Current.CancellationToken);
    }

    public Task<PushResult> PushAsync(string reference, PullResult image, RegistryCredentials? credentials = null, string? mountFrom = null)
    {
        Events = new Events();
        return Distribution.PushAsync(RequestFor(reference, image, credentials, mountFrom), Events, TestContext.Current.CancellationToken);
    }

    public PushRequest RequestFor(string reference, PullResult image, RegistryCredentials? credentials, string? mountFrom)
    {
        List<PushLayer> layers = [];
        Berth.Oci.ChainId? chain = null;
        foreach (Berth.Oci.Digest diff in image.Config.RootFs.DiffIds)
        {
            chain = Berth.Oci.ChainId.Extend(chain, new Berth.Oci.DiffId(diff));
            layers.Add(new PushLayer(new Berth.Oci.DiffId(diff), chain.Value)
            {
                MountCandidates = mountFrom is null ? [] : [ImageReference.Parse(mountFrom)],
            });
        }
        return new PushRequest
        {
            Reference = ImageReference.Parse(reference),
            Credentials = credentials,
            Config = Blobs.Get(image.ImageId),
            Layers = layers,
            Original = image.Manifest,
            WriteLayerTar = (layer, stream, token) => stream.WriteAsync(Layers.Tars[layer.Chain], token).AsTask(),
        };
    }

    public void Dispose() => Distribution.Dispose();
}
