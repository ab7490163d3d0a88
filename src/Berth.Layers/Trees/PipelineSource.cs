using System.Collections.Concurrent;
using System.Security.Cryptography;
using Berth.Layers.Tar;

namespace Berth.Layers.Trees;

/// <summary>
/// Reads and hashes a stream on one side while another thread works on the pieces: decompression, both hashes and unpacking
/// share two processors.
/// </summary>
internal sealed class PipelineSource(Stream stream, bool hash) : ByteSource
{
    private const int PieceBytes = 256 * 1024;
    private const int PiecesMax = 8;
    private readonly SemaphoreSlim _free = new(PiecesMax);
    private readonly SemaphoreSlim _filled = new(0);
    private readonly SemaphoreSlim _hashed = new(0);
    private readonly ConcurrentQueue<ReadOnlyMemory<byte>> _pieces = new();
    private readonly ConcurrentBag<byte[]> _spares = [];
    private readonly IncrementalHash? _hash = hash ? IncrementalHash.CreateHash(HashAlgorithmName.SHA256) : null;
    private byte[]? _current;
    private bool _ended;

    /// <summary>Fills pieces until the stream ends or the token is cancelled. A failure is passed on to the reading side too.</summary>
    public async Task PumpAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await _free.WaitAsync(cancellationToken).ConfigureAwait(false);
                byte[] buffer = _spares.TryTake(out byte[]? spare) ? spare : new byte[PieceBytes];
                int count = await stream.ReadAtLeastAsync(buffer, PieceBytes, false, cancellationToken).ConfigureAwait(false);
                if (count == 0)
                    return;
                _pieces.Enqueue(buffer.AsMemory(0, count));
                _filled.Release();
                // Hashing the piece while it is unpacked, out of the same cache.
                _hash?.AppendData(buffer, 0, count);
                _hashed.Release();
            }
        }
        catch (Exception failure)
        {
            Failure = failure;
            throw;
        }
        finally
        {
            _filled.Release(); // With no piece: the end.
        }
    }

    /// <summary>Why the reading side found an early end; null when the stream ended by itself.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>The hash of all bytes, once <see cref="PumpAsync"/> is done.</summary>
    public byte[] Hash() => _hash!.GetCurrentHash();

    protected override ReadOnlyMemory<byte> Fill()
    {
        if (_ended)
            return default;
        if (_current is not null)
        {
            _hashed.Wait(); // The hash may lag behind: the buffer is free only after both.
            _spares.Add(_current);
            _current = null;
            _free.Release();
        }
        _filled.Wait();
        if (!_pieces.TryDequeue(out ReadOnlyMemory<byte> piece))
        {
            _ended = true;
            return Failure is null ? default : throw new IOException("reading the stream failed", Failure);
        }
        _current = System.Runtime.InteropServices.MemoryMarshal.TryGetArray(piece, out ArraySegment<byte> segment)
            ? segment.Array : null;
        return piece;
    }

    protected override void Dispose(bool disposing)
    {
        _hash?.Dispose();
        _free.Dispose();
        _filled.Dispose();
        _hashed.Dispose();
        base.Dispose(disposing);
    }
}
