using System.Buffers;
using Berth.Oci;
using Berth.Registry.Audit;
using Berth.Registry.Diary;
using Berth.Registry.Hosting;
using Berth.Registry.Model;
using Berth.Registry.Protocol;
using Berth.Registry.Repositories;
using Berth.Registry.Storage;

namespace Berth.Registry.Operation.Import;

/// <summary>What an import did.</summary>
/// <param name="Repositories">Repositories that were read.</param>
/// <param name="Manifests">Manifests that are here now.</param>
/// <param name="Tags">Tags that were set.</param>
/// <param name="Blobs">Blobs that were copied; others were here already.</param>
/// <param name="Skipped">What could not be taken, and why.</param>
public sealed record ImportReport(long Repositories, long Manifests, long Tags, long Blobs, IReadOnlyList<string> Skipped);

/// <summary>Takes over everything from the storage folder of distribution's registry. It may be run again: what is here is not
/// copied twice.</summary>
public sealed class RegistryImport(HubServices services)
{
    private const int ChunkBytes = 1024 * 1024;

    private readonly OrderedDictionary<string, bool> _skipped = new(StringComparer.Ordinal);
    private long _manifests;
    private long _blobs;

    /// <summary>Imports a folder.</summary>
    /// <param name="actor">Who does.</param>
    /// <param name="path">The folder, or the one that holds <c>docker/registry/v2</c>.</param>
    /// <param name="visibility">Who may see repositories that are made: <c>public</c> or <c>private</c>.</param>
    /// <param name="cancellationToken">Gives up; what was taken stays.</param>
    /// <exception cref="FaultException">NotFound: it is not such a folder. Unavailable: it cannot be read.</exception>
    public async Task<ImportReport> RunAsync(Caller actor, string path, string visibility, CancellationToken cancellationToken)
    {
        var folder = new RegistryFolder(path, Skip);
        string[] prefixes = await PrefixesAsync(cancellationToken);
        (long repositories, long tags) = (0, 0);
        try
        {
            foreach (RepositoryName name in folder.Repositories())
            {
                if (prefixes.FirstOrDefault(prefix => name.Value.StartsWith(prefix + "/", StringComparison.Ordinal)) is { } upstream)
                {
                    Skip($"{name}: {upstream} is an upstream here: what is below it is the other registry's");
                    continue;
                }
                repositories++;
                foreach (Digest digest in folder.Revisions(name))
                    await TakeManifestAsync(folder, name, visibility, digest, depth: 0, cancellationToken);
                tags += await TakeTagsAsync(folder, name, actor, cancellationToken);
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw FaultException.Unavailable($"import {path}: {failure.Message}", failure);
        }
        await services.Accounts.Audit.RecordAsync(
            actor, AuditActions.HubImport, "", $"{repositories} repositories, {tags} tags", cancellationToken);
        return new ImportReport(repositories, _manifests, tags, _blobs, [.. _skipped.Keys]);
    }

    // What is missing may be named by several.
    private void Skip(string what) => _skipped.TryAdd(what, true);

    // Those of this configuration, and those that the hub was last served with: whoever imports may not have named its configuration.
    private async Task<string[]> PrefixesAsync(CancellationToken cancellationToken)
    {
        List<string> served = await services.Database.ReadAsync(
            (transaction, token) => transaction.ListAsync($"select prefix from cache_prefixes", row => row.GetString(0), token),
            cancellationToken);
        return [.. services.Options.Upstreams.Select(upstream => upstream.Prefix).Union(served)];
    }

    private async Task<bool> TakeManifestAsync(
        RegistryFolder folder, RepositoryName name, string visibility, Digest digest, int depth, CancellationToken cancellationToken)
    {
        if (await ReadManifestAsync(folder, name, digest, cancellationToken) is not (var bytes, var manifest))
            return false;
        // Manifests before the index that names them; those that the folder lacks may be elsewhere.
        foreach (ManifestReference child in manifest.References.Where(one => one.Kind is ManifestReferenceKind.Manifest))
        {
            if (depth < ManifestTable.IndexDepthMax)
                await TakeManifestAsync(folder, name, visibility, child.Digest, depth + 1, cancellationToken);
        }
        foreach (ManifestReference blob in manifest.References.Where(one => one.Kind is not ManifestReferenceKind.Manifest))
        {
            if (!await TakeBlobAsync(folder, name, blob.Digest, cancellationToken) && !blob.MayBeElsewhere)
            {
                Skip($"{name}@{digest}: its blob {blob.Digest} is missing");
                return false;
            }
        }
        try
        {
            _manifests += await AddAsync(name, visibility, digest, manifest, bytes, cancellationToken) ? 1 : 0;
            return true;
        }
        catch (RegistryException refusal) when (refusal.Code == RegistryCode.MANIFEST_INVALID)
        {
            Skip($"{name}@{digest}: {refusal.Message}");
            return false;
        }
    }

    private Task<bool> AddAsync(
        RepositoryName name, string visibility, Digest digest, ManifestDocument manifest, byte[] bytes, CancellationToken cancellationToken)
    {
        long now = services.Time.GetUtcNow().ToUnixTimeMilliseconds();
        return services.Database.WriteAsync(
            async (transaction, token) =>
            {
                RepositoryRow repository = await RepositoryTable.FindOrCreateAsync(transaction, name, visibility, now, token);
                bool added = await ManifestTable.AddAsync(transaction, repository, digest, manifest, bytes, now, token);
                if (added)
                    await transaction.ExecuteAsync($"update repositories set pushed_at = {now} where id = {repository.Id}", token);
                return added;
            }, cancellationToken);
    }

    private async Task<(byte[] Bytes, ManifestDocument Manifest)?> ReadManifestAsync(
        RegistryFolder folder, RepositoryName name, Digest digest, CancellationToken cancellationToken)
    {
        await using FileStream? file = folder.Open(name, digest);
        if (file is null)
        {
            Skip($"{name}@{digest}: its bytes are missing");
            return null;
        }
        if (file.Length > ManifestDocument.BytesMax)
        {
            Skip($"{name}@{digest}: it is larger than {ManifestDocument.BytesMax} bytes");
            return null;
        }
        byte[] bytes = new byte[file.Length];
        await file.ReadExactlyAsync(bytes, cancellationToken);
        try
        {
            if (await Backup.HubBackup.DigestAsync(new MemoryStream(bytes), digest.ToString(), cancellationToken) != digest.ToString())
                throw FaultException.Invalid("its bytes are not of that digest");
            return (bytes, ManifestDocument.Parse(bytes, null));
        }
        catch (FaultException fault)
        {
            Skip($"{name}@{digest}: {fault.Message}");
            return null;
        }
    }

    private async Task<bool> TakeBlobAsync(
        RegistryFolder folder, RepositoryName name, Digest digest, CancellationToken cancellationToken)
    {
        long now = services.Time.GetUtcNow().ToUnixTimeMilliseconds();
        if (await LinkAsync(name, digest, now, cancellationToken))
            return true;
        await using FileStream? file = folder.Open(name, digest);
        if (file is null)
            return false;
        await using IBlobWriter writer = await services.Storage.BeginAsync(
            UploadIds.NextOfImport(), digest.Algorithm, cancellationToken);
        byte[] chunk = new byte[ChunkBytes];
        int count;
        while ((count = await file.ReadAsync(chunk, cancellationToken)) > 0)
            await writer.WriteAsync(new ReadOnlySequence<byte>(chunk, 0, count), cancellationToken);
        if (await writer.DigestAsync(digest.Algorithm, cancellationToken) != digest)
        {
            Skip($"{name}: blob {digest} is damaged");
            return false;
        }
        string location = await writer.FinishAsync(digest, cancellationToken);
        await services.Database.WriteAsync(
            (transaction, token) => BlobTable.AddAsync(transaction, digest, file.Length, location, now, token), cancellationToken);
        _blobs++;
        return await LinkAsync(name, digest, now, cancellationToken);
    }

    // False when the hub does not have the blob.
    private Task<bool> LinkAsync(RepositoryName name, Digest digest, long now, CancellationToken cancellationToken) =>
        services.Database.WriteAsync(
            async (transaction, token) =>
            {
                if (await BlobTable.BytesAsync(transaction, digest, token) is not { } bytes)
                    return false;
                RepositoryRow repository = await RepositoryTable.FindOrBeginAsync(transaction, name, now, token);
                await BlobTable.LinkAsync(transaction, repository, digest, bytes, now, token);
                return true;
            }, cancellationToken);

    private async Task<long> TakeTagsAsync(RegistryFolder folder, RepositoryName name, Caller actor, CancellationToken cancellationToken)
    {
        long count = 0;
        long now = services.Time.GetUtcNow().ToUnixTimeMilliseconds();
        foreach ((string tag, Digest digest) in folder.Tags(name))
        {
            try
            {
                if (await TakeTagAsync(name, tag, digest, actor, now, cancellationToken))
                    count++;
                else
                    Skip($"{name}:{tag}: its manifest {digest} is missing");
            }
            catch (FaultException immutable) when (immutable.Kind == FaultKind.Conflict)
            {
                // It was imported before, and names something else there now: what was promised here is kept.
                Skip($"{name}:{tag}: {immutable.Message}");
            }
        }
        return count;
    }

    // False when the hub does not have the manifest.
    private Task<bool> TakeTagAsync(
        RepositoryName name, string tag, Digest digest, Caller actor, long now, CancellationToken cancellationToken) =>
        services.Database.WriteAsync(
            async (transaction, token) =>
            {
                if (await ManifestTable.FindIdAsync(transaction, name, digest.ToString(), token) is not { } manifest)
                    return false;
                var repository = new RepositoryRow(manifest.RepositoryId, name);
                await TagTable.SetAsync(transaction, repository, tag, digest, actor, now, TagMoveReason.Import, token);
                return true;
            }, cancellationToken);
}
