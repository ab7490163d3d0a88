using Berth.Faults;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.References;

namespace Berth.Distribution;

/// <summary>Reads and writes manifests at registries, without the images around them: what a program needs that makes manifest lists.
/// It has no store. Owns its connections; one for the process.</summary>
public sealed class RegistryManifests : IDisposable
{
    private readonly RegistryContext _context;

    /// <summary>Puts it together; nothing is connected yet.</summary>
    /// <exception cref="FaultException">InvalidArgument: the options are wrong; all problems in one text.</exception>
    public RegistryManifests(RegistryOptions options, TimeProvider time)
    {
        if (options.Validate() is { Count: > 0 } problems)
            throw FaultException.Invalid(string.Join("; ", problems));
        _context = new RegistryContext(options, time);
    }

    /// <summary>Fetches the manifest or index that a reference names, by its tag where it has one.</summary>
    /// <exception cref="FaultException">NotFound: no such manifest. Unauthorized, Forbidden: not for this user. InvalidArgument: it is
    /// not what its digest says. Unavailable: the registry cannot be reached.</exception>
    public Task<ManifestDocument> GetAsync(
        ImageReference reference, RegistryCredentials? credentials, CancellationToken cancellationToken) =>
        WithAsync(reference, credentials, "pull", null, repository => repository.GetManifestAsync(
            reference.Tag ?? reference.Digest!.Value.ToString(), reference.Digest, cancellationToken), cancellationToken);

    /// <summary>Fetches a small blob, such as an image's configuration.</summary>
    /// <exception cref="FaultException">As for manifests.</exception>
    public Task<byte[]> GetBlobAsync(
        ImageReference repository, Descriptor blob, RegistryCredentials? credentials, CancellationToken cancellationToken) =>
        WithAsync(repository, credentials, "pull", null, source => source.GetSmallBlobAsync(
            blob, $"blob {blob.Digest}", cancellationToken), cancellationToken);

    /// <summary>Makes a blob of one repository known in another of the same registry; false when the registry would rather be sent it.
    /// </summary>
    /// <exception cref="FaultException">As for manifests.</exception>
    public Task<bool> MountAsync(
        ImageReference target, Digest blob, ImageReference source, RegistryCredentials? credentials, CancellationToken cancellationToken) =>
        WithAsync(target, credentials, "pull,push", source, async repository =>
        {
            BlobUpload upload = new(repository);
            return await upload.ExistsAsync(blob, cancellationToken) || await upload.TryMountAsync(blob, source.Path, cancellationToken);
        }, cancellationToken);

    /// <summary>Stores a manifest or index under the reference's tag, or under its digest when there is no tag.</summary>
    /// <exception cref="FaultException">As for manifests.</exception>
    public Task PutAsync(
        ImageReference target, ManifestDocument document, RegistryCredentials? credentials, CancellationToken cancellationToken) =>
        WithAsync(target, credentials, "pull,push", null, async repository =>
        {
            await repository.PutManifestAsync(
                target.Tag ?? document.Descriptor.Digest.ToString(), document, target.Familiar, cancellationToken);
            return true;
        }, cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => _context.Dispose();

    private async Task<T> WithAsync<T>(
        ImageReference reference, RegistryCredentials? credentials, string actions, ImageReference? mountedFrom,
        Func<RepositoryClient, Task<T>> act, CancellationToken cancellationToken)
    {
        string[] scopes = mountedFrom is null
            ? [$"repository:{reference.Path}:{actions}"]
            : [$"repository:{reference.Path}:{actions}", $"repository:{mountedFrom.Path}:pull"];
        try
        {
            RegistrySession session = await RegistrySession.OpenAsync(
                _context, RegistryEndpoint.Of(reference.Domain), credentials, scopes, cancellationToken);
            return await act(new RepositoryClient(session, reference.Path));
        }
        catch (RegistryException exception)
        {
            throw exception.ToFault();
        }
    }
}
