namespace Berth.Registry.Storage;

/// <summary>Where the bytes of blobs are. Which of them are blobs, and of what digest, the database says.</summary>
/// <remarks>
/// An upload writes bytes under an ID of its own, over several requests and, when the storage is shared, several processes. When it
/// is finished
/// the bytes get a location, which no other bytes ever had or will have: so a location can be removed without looking whether
/// somebody has just
/// stored the same content again. Whoever implements this passes <c>BlobStorageContract</c> of the tests.
/// </remarks>
public interface IBlobStorage : IAsyncDisposable
{
    /// <summary>Begins an upload.</summary>
    /// <param name="id">Unique for ever; letters, digits, '-' and '_'.</param>
    /// <param name="algorithm">The digest that will probably be asked for: <c>sha256</c> or <c>sha512</c>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="FaultException">Unavailable: no space, or the storage is away.</exception>
    ValueTask<IBlobWriter> BeginAsync(string id, string algorithm, CancellationToken cancellationToken);

    /// <summary>Goes on with an upload, of which at most <paramref name="bytes"/> count; what was lost since makes it fewer.</summary>
    /// <exception cref="FaultException">NotFound: there is no such upload. Conflict: somebody still writes it.</exception>
    ValueTask<IBlobWriter> ResumeAsync(string id, string algorithm, long bytes, CancellationToken cancellationToken);

    /// <summary>
    /// How much there is of an upload, of which at most <paramref name="bytes"/> count; null: nothing, and it cannot go on.
    /// </summary>
    ValueTask<long?> ArrivedAsync(string id, long bytes, CancellationToken cancellationToken);

    /// <summary>
    /// Removes all that there is of an upload that did not become a blob, wherever it was interrupted; the bytes that became free.
    /// Nothing there is no failure.
    /// </summary>
    ValueTask<long> CancelAsync(string id, CancellationToken cancellationToken);

    /// <summary>What <see cref="CancelAsync"/> would remove, as <see cref="FilesAsync"/> tells it.</summary>
    IAsyncEnumerable<StoredFile> PiecesAsync(string id, CancellationToken cancellationToken);

    /// <summary>Opens a blob to read; null: nothing is there.</summary>
    ValueTask<IBlobReader?> OpenAsync(string location, CancellationToken cancellationToken);

    /// <summary>
    /// Removes a blob, or a piece of an upload that <see cref="FilesAsync"/> told; the bytes that became free, none where it was gone
    /// already. Of several who remove it at once, more than one may be told its bytes. Who reads it reads on.
    /// </summary>
    ValueTask<long> DeleteAsync(string location, CancellationToken cancellationToken);

    /// <summary>
    /// All that hubs have put here, blobs and pieces of uploads, in no order. What is added or removed meanwhile may be missing or not.
    /// Other people's files are not told.
    /// </summary>
    IAsyncEnumerable<StoredFile> FilesAsync(CancellationToken cancellationToken);

    /// <summary>How much there is now at a location that <see cref="DeleteAsync"/> takes; null: nothing.</summary>
    ValueTask<long?> BytesAsync(string location, CancellationToken cancellationToken);

    /// <summary>How much something is and how old; null: it is gone.</summary>
    ValueTask<StoredState?> LookAsync(StoredFile file, CancellationToken cancellationToken);

    /// <summary>What the storage's own clock says, by which <see cref="StoredState.ChangedAt"/> is told.</summary>
    ValueTask<DateTimeOffset> ClockAsync(CancellationToken cancellationToken);

    /// <summary>The database that the storage belongs to; null: none yet.</summary>
    ValueTask<string?> OwnerAsync(CancellationToken cancellationToken);

    /// <summary>Notes which database the storage belongs to. Where two do so at once, <see cref="OwnerAsync"/> tells who did.</summary>
    ValueTask SetOwnerAsync(string owner, CancellationToken cancellationToken);
}
