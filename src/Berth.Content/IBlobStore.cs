using Berth.Faults;
using Berth.Oci;

namespace Berth.Content;

/// <summary>Keeps bytes under their digest. What was committed stays until it is deleted, also over a crash.</summary>
/// <remarks>
/// Safe for concurrent use. A blob is visible only once it is whole and its digest was verified. Example: <c>Begin</c>,
/// <c>WriteAsync</c> repeatedly, <c>CommitAsync(expected)</c>; disposing an ingest that was not committed discards it, unless it
/// was begun with a resume key.
/// </remarks>
public interface IBlobStore
{
    /// <summary>True when the blob is here, whole.</summary>
    bool Contains(Digest digest);

    /// <summary>The blob's size in bytes; null when it is not here.</summary>
    long? SizeOf(Digest digest);

    /// <summary>Opens a blob for reading; the stream can seek and is the caller's to dispose.</summary>
    /// <exception cref="FaultException">NotFound: it is not here.</exception>
    Stream OpenRead(Digest digest);

    /// <summary>Begins to take in bytes whose digest need not be known yet.</summary>
    IBlobIngest Begin();

    /// <summary>
    /// Begins or goes on with taking in the blob of a known digest: bytes written by an earlier ingest of the same digest that
    /// was given up (also by a crash) are kept, and <see cref="IBlobIngest.Written"/> says how many.
    /// </summary>
    /// <exception cref="FaultException">Conflict: another ingest of this digest is open.</exception>
    IBlobIngest Resume(Digest expected);

    /// <summary>Every blob that is here.</summary>
    IEnumerable<Digest> List();

    /// <summary>Removes a blob; false when it was not here. Whoever calls has made sure that nothing needs it.</summary>
    bool Delete(Digest digest);

    /// <summary>
    /// Protects blobs from <see cref="CollectAsync"/> while something that will need them is being made. A lease lives as long as
    /// the process or until it is disposed.
    /// </summary>
    IBlobLease Lease();

    /// <summary>
    /// Deletes every blob that is neither in <paramref name="live"/> nor leased nor being taken in, and partial ingests older than
    /// a day. <paramref name="live"/> is called after new commits were made to wait, so what it sees is current.
    /// </summary>
    /// <returns>The number of bytes freed.</returns>
    ValueTask<long> CollectAsync(Func<IReadOnlySet<Digest>> live, CancellationToken cancellationToken);
}

/// <summary>One blob on its way in. Owned by who began it.</summary>
public interface IBlobIngest : IAsyncDisposable
{
    /// <summary>Bytes taken in so far, those of an earlier attempt included.</summary>
    long Written { get; }

    /// <summary>Appends bytes.</summary>
    /// <exception cref="FaultException">Unavailable: the disk is full.</exception>
    ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

    /// <summary>Forgets everything taken in so far, for a transfer that has to begin again.</summary>
    ValueTask RestartAsync(CancellationToken cancellationToken);

    /// <summary>Makes the bytes a blob: data is on disk before its name is.</summary>
    /// <exception cref="FaultException">InvalidArgument: the bytes are not the expected; nothing is kept.</exception>
    ValueTask CommitAsync(Digest expected, CancellationToken cancellationToken);

    /// <summary>Makes the bytes a blob under the sha256 digest they turn out to have.</summary>
    ValueTask<Digest> CommitAsync(CancellationToken cancellationToken);
}

/// <summary>A promise that some blobs are not collected.</summary>
public interface IBlobLease : IDisposable
{
    /// <summary>Protects one blob more, whether or not it is here yet.</summary>
    void Add(Digest digest);
}
