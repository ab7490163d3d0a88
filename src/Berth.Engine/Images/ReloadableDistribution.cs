using Berth.Distribution;
using Berth.Oci.Images;
using Berth.Oci.References;

namespace Berth.Engine;

/// <summary>Registries with settings that can change: what is under way goes on with those it began with.</summary>
internal sealed class ReloadableDistribution(Func<RegistryOptions, ImageDistribution> make, RegistryOptions first)
    : IImageDistribution, IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<ImageDistribution> _made = [make(first)]; // Guarded by _gate.
    private RegistryOptions _options = first;                       // Guarded by _gate.

    private ImageDistribution Current
    {
        get
        {
            lock (_gate)
                return _made[^1];
        }
    }

    /// <summary>From now on with these.</summary>
    /// <exception cref="Faults.FaultException">InvalidArgument: they are wrong; the old ones stay.</exception>
    public void Change(RegistryOptions options)
    {
        lock (_gate)
        {
            bool isSame = options.Mirrors.SequenceEqual(_options.Mirrors)
                && options.InsecureRegistries.SequenceEqual(_options.InsecureRegistries)
                && (options.ConcurrentDownloads, options.ConcurrentUploads) == (_options.ConcurrentDownloads, _options.ConcurrentUploads);
            if (isSame)
                return;
            _made.Add(make(options));
            _options = options;
        }
    }

    public Task<PullResult> PullAsync(
        PullRequest request, IProgress<TransferEvent> progress, CancellationToken cancellationToken) =>
        Current.PullAsync(request, progress, cancellationToken);

    public Task<PushResult> PushAsync(
        PushRequest request, IProgress<TransferEvent> progress, CancellationToken cancellationToken) =>
        Current.PushAsync(request, progress, cancellationToken);

    public Task<LoginResult> LoginAsync(RegistryCredentials credentials, CancellationToken cancellationToken) =>
        Current.LoginAsync(credentials, cancellationToken);

    public Task<IReadOnlyList<string>> ListTagsAsync(
        ImageReference repository, RegistryCredentials? credentials, CancellationToken cancellationToken) =>
        Current.ListTagsAsync(repository, credentials, cancellationToken);

    public Task<IReadOnlyList<string>> ListTagsAsync(
        ImageReference repository, string after, int? count, RegistryCredentials? credentials, CancellationToken cancellationToken) =>
        Current.ListTagsAsync(repository, after, count, credentials, cancellationToken);

    public Task<IReadOnlyList<FoundRepository>> SearchAsync(
        string registry, string words, int count, RegistryCredentials? credentials, CancellationToken cancellationToken) =>
        Current.SearchAsync(registry, words, count, credentials, cancellationToken);

    public Task<ManifestDocument> GetManifestAsync(
        ImageReference reference, RegistryCredentials? credentials, CancellationToken cancellationToken) =>
        Current.GetManifestAsync(reference, credentials, cancellationToken);

    public Task<Descriptor?> HeadManifestAsync(
        ImageReference reference, RegistryCredentials? credentials, CancellationToken cancellationToken) =>
        Current.HeadManifestAsync(reference, credentials, cancellationToken);

    public Task<RemoteImage> ResolveAsync(
        ImageReference reference, Platform? platform, RegistryCredentials? credentials, CancellationToken cancellationToken) =>
        Current.ResolveAsync(reference, platform, credentials, cancellationToken);

    public void Dispose()
    {
        lock (_gate)
            _made.ForEach(made => made.Dispose());
    }
}
