using Berth.Distribution;
using Berth.Engine.State;
using Berth.Faults;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.References;

namespace Berth.Engine;

internal sealed partial class ImageService
{
    public async Task PullAsync(
        ImageReference reference, bool allTags, Platform? platform, RegistryLogin? login, IProgress<ProgressMessage> progress,
        CancellationToken cancellationToken)
    {
        RegistryCredentials? credentials = Logins.ToCredentials(login);
        if (!allTags || reference.Tag is not null || reference.Digest is not null)
        {
            await PullOneAsync(reference.WithDefaultTag(), platform, credentials, new TransferProgress(progress), cancellationToken);
            return;
        }
        foreach (string tag in await distribution.ListTagsAsync(reference, credentials, cancellationToken))
            await PullOneAsync(reference.WithTag(tag), platform, credentials, new TransferProgress(progress), cancellationToken);
    }

    /// <summary>Pulls one reference and records it; the result names the image.</summary>
    internal async Task<ImageRecord> PullOneAsync(
        ImageReference reference, Platform? platform, RegistryCredentials? credentials, IProgress<TransferEvent> progress,
        CancellationToken cancellationToken)
    {
        using IDisposable arrival = collector.Arrive();
        using PullResult pulled = await distribution.PullAsync(new PullRequest
        {
            Reference = reference, Platform = platform, Credentials = credentials, CurrentImageId = images.TryGet(reference)?.Id,
        }, progress, cancellationToken);
        ImageRecord record = new()
        {
            Id = pulled.ImageId,
            Chain = pulled.Config.RootFs.Chain?.Digest ?? default,
            Arrived = parts.Time.GetUtcNow(),
            Manifest = pulled.Manifest.Descriptor,
            Layers = pulled.Layers,
            Others = pulled.Index is null ? [] : [pulled.Index.Descriptor.Digest],
        };
        ImageReference byDigest = pulled.Reference.WithDigest(pulled.Target.Digest);
        images.Store(record, pulled.Reference.Digest is null ? [pulled.Reference, byDigest] : [byDigest]);
        parts.Events.Publish("image", "pull", reference.Familiar, new Dictionary<string, string>(
            pulled.Config.Config?.Labels ?? new Dictionary<string, string>()) { ["name"] = reference.FamiliarName });
        return record;
    }

    public async Task PushAsync(
        ImageReference reference, bool allTags, Platform? platform, RegistryLogin? login, IProgress<ProgressMessage> progress,
        CancellationToken cancellationToken)
    {
        List<ImageReference> wanted = allTags && reference.Tag is null
            ? [.. images.TagsOf(reference.Name).Select(tag => tag.Reference)] : [reference.WithDefaultTag()];
        if (wanted.Count == 0 || images.TryGet(wanted[0]) is null)
            throw FaultException.NotFound($"An image does not exist locally with the tag: {reference.FamiliarName}");
        foreach (ImageReference name in wanted)
            await PushOneAsync(name, images.TryGet(name)!, Logins.ToCredentials(login), new TransferProgress(progress), cancellationToken);
    }

    private async Task PushOneAsync(
        ImageReference name, ImageRecord image, RegistryCredentials? credentials, IProgress<TransferEvent> progress,
            CancellationToken cancellationToken)
    {
        using IDisposable hold = images.Hold(image.Id);
        ImageConfig config = images.Config(image.Id);
        IReadOnlyList<ImageReference> sources = images.NamesOf(image.Id);
        PushResult pushed = await distribution.PushAsync(new PushRequest
        {
            Reference = name,
            Credentials = credentials,
            Config = images.ReadBlob(image.Id),
            Layers = [.. config.RootFs.DiffIds.Zip(ImageTable.Chains(config))
                .Select(pair => new PushLayer(new DiffId(pair.First), pair.Second) { MountCandidates =
                    [.. sources.Where(other => other.Name != name.Name)] })],
            Original = image.Manifest is { } manifest && parts.Blobs.Contains(manifest.Digest)
                ? new ManifestDocument(manifest, images.ReadBlob(manifest.Digest)) : null,
            WriteLayerTar = (layer, destination, cancel) => parts.Layers.WriteTarAsync(layer.Chain, destination, cancel),
        }, progress, cancellationToken);
        ImageReference byDigest = name.WithDigest(pushed.Manifest.Descriptor.Digest);
        images.Store(image, [byDigest]);
        Publish("push", name.Familiar, name.FamiliarName);
    }

    public Task<IReadOnlyList<string>> ListTagsAsync(
        ImageReference repository, string after, int? count, RegistryLogin? login, CancellationToken cancellationToken) =>
        distribution.ListTagsAsync(repository, after, count, Logins.ToCredentials(login), cancellationToken);

    public Task<IReadOnlyList<FoundRepository>> SearchAsync(
        SearchTerm term, int count, RegistryLogin? login, CancellationToken cancellationToken) =>
        distribution.SearchAsync(term.Registry, term.Words, count, Logins.ToCredentials(login), cancellationToken);

    public async Task<RegistryImage> LookUpAsync(ImageReference reference, RegistryLogin? login, CancellationToken cancellationToken)
    {
        ManifestDocument document =
            await distribution.GetManifestAsync(reference.WithDefaultTag(), Logins.ToCredentials(login), cancellationToken);
        if (!document.IsIndex)
        {
            RemoteImage image =
                await distribution.ResolveAsync(reference.WithDefaultTag(), null, Logins.ToCredentials(login), cancellationToken);
            return new RegistryImage(document.Descriptor, [image.Config.Platform]);
        }
        ImageIndex index = Oci.Json.OciJson.Read(document.Bytes.Span, Oci.Json.OciJson.ImageIndex, "index");
        return new RegistryImage(document.Descriptor, [.. index.Manifests.Select(manifest => manifest.Platform).OfType<Platform>()]);
    }
}

/// <summary>Passes transfer events on as progress messages.</summary>
internal sealed class TransferProgress(IProgress<ProgressMessage> target) : IProgress<TransferEvent>
{
    public void Report(TransferEvent value) => target.Report(Convert(value));

    public static ProgressMessage Convert(TransferEvent value) => new()
    {
        Id = value.Id,
        Status = value.Status.Length > 0 ? value.Status : null,
        Current = value.Current ?? 0,
        Total = value.Total ?? 0,
        Result = value.Aux is { } pushed ? new ProgressResult(pushed.Tag, pushed.Digest, pushed.Size, false) : null,
    };
}

/// <summary>Logins as the registry client wants them.</summary>
internal static class Logins
{
    public static RegistryCredentials? ToCredentials(RegistryLogin? login) => login is null ? null : new RegistryCredentials
    {
        Username = login.Username ?? "",
        Password = login.Password ?? "",
        IdentityToken = login.IdentityToken ?? "",
        RegistryToken = login.RegistryToken ?? "",
        ServerAddress = login.ServerAddress ?? "",
    };
}
