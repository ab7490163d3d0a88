using Berth.Content;
using Berth.Faults;
using Berth.Oci.Images;
using Berth.Oci.References;

namespace Berth.Distribution;

/// <summary>The <see cref="IImageDistribution"/> over HTTP. Owns its connections; one for the process.</summary>
public sealed class ImageDistribution : IImageDistribution, IDisposable
{
    private const int MountScopesMax = 5;
    private readonly IBlobStore _store;
    private readonly ILayerSink _sink;
    private readonly ILayerBlobIndex _index;
    private readonly RegistryContext _context;
    private readonly BlobDownloader _downloader;
    private readonly SemaphoreSlim _uploads;

    /// <summary>Puts it together. The stores stay the caller's.</summary>
    /// <exception cref="FaultException">InvalidArgument: the options are wrong; all problems in one text.</exception>
    public ImageDistribution(
        RegistryOptions options, IBlobStore store, ILayerSink sink, ILayerBlobIndex index, TimeProvider time)
    {
        if (options.Validate() is { Count: > 0 } problems)
            throw FaultException.Invalid(string.Join("; ", problems));
        (_store, _sink, _index) = (store, sink, index);
        _context = new RegistryContext(options, time);
        _downloader = new BlobDownloader(store, _context);
        _uploads = new SemaphoreSlim(options.ConcurrentUploads);
    }

    /// <inheritdoc/>
    public Task<PullResult> PullAsync(
        PullRequest request, IProgress<TransferEvent> progress, CancellationToken cancellationToken)
    {
        ImageReference reference = request.Reference.WithDefaultTag();
        TransferProgress steps = new(progress, _context.Time);
        return ReadAsync(reference, request.Credentials, source => new ImagePull(
            _store, _sink, _index, _downloader, source, request, reference, steps).RunAsync(cancellationToken), cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<PushResult> PushAsync(
        PushRequest request, IProgress<TransferEvent> progress, CancellationToken cancellationToken)
    {
        ImageReference reference = request.Reference.WithDefaultTag();
        try
        {
            string[] sources = [.. request.Layers.SelectMany(layer => layer.MountCandidates)
                .Where(candidate => candidate.Domain == reference.Domain && candidate.Path != reference.Path)
                .Select(candidate => candidate.Path).Distinct().Take(MountScopesMax)];
            RegistrySession session = await RegistrySession.OpenAsync(
                _context, RegistryEndpoint.Of(reference.Domain), request.Credentials,
                [$"repository:{reference.Path}:pull,push", .. sources.Select(path => $"repository:{path}:pull")], cancellationToken);
            ImagePush push = new(
                _store, _index, new RepositoryClient(session, reference.Path), request, reference, _uploads,
                new TransferProgress(progress, _context.Time));
            return await push.RunAsync(cancellationToken);
        }
        catch (RegistryException exception)
        {
            throw exception.ToFault();
        }
    }

    /// <inheritdoc/>
    public async Task<LoginResult> LoginAsync(RegistryCredentials credentials, CancellationToken cancellationToken)
    {
        try
        {
            RegistrySession session = await RegistrySession.OpenAsync(
                _context, RegistryEndpoint.Of(RegistryHost.FromServerAddress(credentials.ServerAddress)), credentials, [],
                cancellationToken);
            return new LoginResult("Login Succeeded", await session.LoginAsync(cancellationToken));
        }
        catch (RegistryException exception)
        {
            throw exception.ToFault();
        }
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> ListTagsAsync(
        ImageReference repository, RegistryCredentials? credentials, CancellationToken cancellationToken) =>
        ListTagsAsync(repository, "", null, credentials, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> ListTagsAsync(
        ImageReference repository, string after, int? count, RegistryCredentials? credentials, CancellationToken cancellationToken) =>
        ReadAsync(repository, credentials, source => source.ListTagsAsync(after, count, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public async Task<IReadOnlyList<FoundRepository>> SearchAsync(
        string registry, string words, int count, RegistryCredentials? credentials, CancellationToken cancellationToken)
    {
        try
        {
            return await RegistrySearch.RunAsync(
                _context, RegistryHost.FromServerAddress(registry), words, count, credentials, cancellationToken);
        }
        catch (RegistryException exception)
        {
            throw exception.ToFault();
        }
    }

    /// <inheritdoc/>
    public Task<ManifestDocument> GetManifestAsync(
        ImageReference reference, RegistryCredentials? credentials, CancellationToken cancellationToken)
    {
        ImageReference full = reference.WithDefaultTag();
        return ReadAsync(full, credentials, source => source.GetManifestAsync(
            full.Digest?.ToString() ?? full.Tag!, full.Digest, cancellationToken), cancellationToken);
    }

    /// <inheritdoc/>
    public Task<Descriptor?> HeadManifestAsync(
        ImageReference reference, RegistryCredentials? credentials, CancellationToken cancellationToken)
    {
        ImageReference full = reference.WithDefaultTag();
        return ReadAsync(full, credentials, source => source.HeadManifestAsync(
            full.Digest?.ToString() ?? full.Tag!, cancellationToken), cancellationToken);
    }

    /// <inheritdoc/>
    public Task<RemoteImage> ResolveAsync(
        ImageReference reference, Platform? platform, RegistryCredentials? credentials, CancellationToken cancellationToken)
    {
        ImageReference full = reference.WithDefaultTag();
        PullRequest request = new() { Reference = full, Platform = platform, Credentials = credentials };
        TransferProgress silent = new(new Progress<TransferEvent>(), _context.Time);
        return ReadAsync(full, credentials, async source =>
        {
            ImagePull pull = new(_store, _sink, _index, _downloader, source, request, full, silent);
            (ManifestDocument target, _, ManifestDocument document) = await pull.FindAsync(cancellationToken);
            (Manifest manifest, ImageConfig config, byte[] bytes) = await pull.ReadConfigAsync(document, cancellationToken);
            return new RemoteImage(target.Descriptor, document, manifest.Config.Digest, config, bytes);
        }, cancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _context.Dispose();
        _downloader.Dispose();
        _uploads.Dispose();
    }

    // Mirrors first. Whatever a mirror fails with, the registry itself has the last word.
    private async Task<T> ReadAsync<T>(
        ImageReference reference, RegistryCredentials? credentials, Func<RepositoryClient, Task<T>> read,
        CancellationToken cancellationToken)
    {
        RegistryEndpoint[] endpoints = [.. RegistryEndpoint.ForPull(reference.Domain, _context.Options)];
        for (int i = 0; ; i++)
        {
            try
            {
                RegistrySession session = await RegistrySession.OpenAsync(
                    _context, endpoints[i], credentials, [$"repository:{reference.Path}:pull"], cancellationToken);
                return await read(new RepositoryClient(session, reference.Path));
            }
            catch (Exception exception) when (i < endpoints.Length - 1 && exception is (RegistryException or FaultException))
            {
                // The next endpoint may do better; blobs that were fetched already are kept.
            }
            catch (RegistryException exception)
            {
                throw PullFaults.Explain(exception, reference);
            }
        }
    }
}
