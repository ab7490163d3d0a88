using System.Buffers;
using Berth.Oci;

namespace Berth.Registry.Storage;

/// <summary>An upload that is being written to, by one request at a time. Disposed without an end it stays for a later request.</summary>
public interface IBlobWriter : IAsyncDisposable
{
    /// <summary>How much is there.</summary>
    long Bytes { get; }

    /// <summary>Adds bytes.</summary>
    /// <exception cref="FaultException">Unavailable: no space, or the storage is away. What counts is still <see
    /// cref="Bytes"/>.</exception>
    ValueTask WriteAsync(ReadOnlySequence<byte> bytes, CancellationToken cancellationToken);

    /// <summary>There is something that only this writer has, and that <see cref="SuspendAsync"/> would put over what another wrote.
    /// </summary>
    bool HasUnsaved { get; }

    /// <summary>Forgets what is remembered of the upload for its next request: the upload has ended, or another writes it now.</summary>
    void Abandon();

    /// <summary>Hands what was written to the storage, so that any process can go on.</summary>
    ValueTask SuspendAsync(CancellationToken cancellationToken);

    /// <summary>The digest of all bytes so far.</summary>
    ValueTask<Digest> DigestAsync(string algorithm, CancellationToken cancellationToken);

    /// <summary>
    /// Makes the bytes durable and gives them their location, and does not touch them any more. Where that fails, the upload may be gone:
    /// what a disk could not write must not be taken for written by the next attempt.
    /// </summary>
    ValueTask<string> FinishAsync(Digest digest, CancellationToken cancellationToken);
}
