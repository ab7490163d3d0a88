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

    /// <summary>Hands what was written to the storage, so that any process can go on.</summary>
    ValueTask SuspendAsync(CancellationToken cancellationToken);

    /// <summary>The digest of all bytes so far.</summary>
    ValueTask<Digest> DigestAsync(string algorithm, CancellationToken cancellationToken);

    /// <summary>Makes the bytes durable and gives them their location.</summary>
    ValueTask<string> FinishAsync(Digest digest, CancellationToken cancellationToken);
}
