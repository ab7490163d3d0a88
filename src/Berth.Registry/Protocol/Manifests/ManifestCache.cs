using System.Collections.Concurrent;
using Berth.Registry.Database;
using Berth.Registry.Model;
using Berth.Registry.Repositories;

namespace Berth.Registry.Protocol.Manifests;

/// <summary>Manifests that were asked for lately. An answer is given from memory only while the database says that nothing has
/// changed since it was
/// read, whichever process might have changed it.</summary>
internal sealed class ManifestCache(HubDatabase database)
{
    private const long BytesMax = 32 * 1024 * 1024;
    private const int EntriesMax = 20_000;

    private readonly ConcurrentDictionary<(string Repository, string Reference), Entry> _entries = new();
    private long _bytes;

    private sealed record Entry(DatabaseMark Mark, CachedManifest? Manifest);

    /// <summary>A manifest by tag or digest; null: none.</summary>
    public async ValueTask<CachedManifest?> FindAsync(RepositoryName repository, string reference, CancellationToken cancellationToken)
    {
        // Taken before reading: what is changed in between makes the next mark another one.
        DatabaseMark mark = await database.MarkAsync(cancellationToken).ConfigureAwait(false);
        (string, string) key = (repository.Value, reference);
        return _entries.TryGetValue(key, out Entry? entry) && entry.Mark == mark
            ? entry.Manifest
            : await ReadAsync(key, repository, reference, mark, entry, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<CachedManifest?> ReadAsync(
        (string, string) key, RepositoryName repository, string reference, DatabaseMark mark, Entry? former,
        CancellationToken cancellationToken)
    {
        CachedManifest? manifest = await database.ReadAsync(
            async (transaction, token) =>
            {
                // Most changes are of other things: then the document need not be read again.
                if (former?.Manifest is { } known
                    && await IsStillAsync(transaction, repository, reference, known, token).ConfigureAwait(false))
                    return known;
                ManifestRow? row = await ManifestTable.FindAsync(transaction, repository, reference, token).ConfigureAwait(false);
                return row is null ? null : CachedManifest.Of(row);
            }, cancellationToken).ConfigureAwait(false);
        Keep(key, new Entry(mark, manifest), former);
        return manifest;
    }

    private static async Task<bool> IsStillAsync(
        HubTransaction transaction, RepositoryName repository, string reference, CachedManifest known,
        CancellationToken cancellationToken) =>
        await ManifestTable.FindIdAsync(transaction, repository, reference, cancellationToken).ConfigureAwait(false) is { } found
        && found == (known.RepositoryId, known.DigestText.ToString());

    private void Keep((string, string) key, Entry entry, Entry? former)
    {
        long more = (entry.Manifest?.Document.Length ?? 0) - (former?.Manifest?.Document.Length ?? 0);
        if (Interlocked.Add(ref _bytes, more) > BytesMax || _entries.Count >= EntriesMax)
        {
            // What is asked for often is back soon.
            _entries.Clear();
            Interlocked.Exchange(ref _bytes, entry.Manifest?.Document.Length ?? 0);
        }
        _entries[key] = entry;
    }
}
