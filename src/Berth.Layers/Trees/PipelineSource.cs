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
    private const int PieceBytes = 256 * 1024; // Hashed and unpacked out of the same cache.
    private const int PiecesMax = 16;

    // Either side wakes the other only when there is this much to do: on a busy machine each wake-up waits for a processor.
    private const int PiecesPerWake = 4;
    private readonly SemaphoreSlim _free = new(PiecesMax);
    private readonly ConcurrentBag<byte[]> _spares = [];
    private readonly IncrementalHash? _hash = hash ? IncrementalHash.CreateHash(HashAlgorithmName.SHA256) : null;
    private readonly object _gate = new(); // No Lock: the unpacking thread sleeps on it. Spinning would cost a busy machine dear.
    private readonly Queue<Chunk> _pieces = new(); // Guarded by _gate.
    private bool _pumped;                          // Guarded by _gate.
    private int _left;                             // Guarded by _gate: pieces both sides are done with, not free yet.
    private Chunk? _current;

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
                Chunk piece = new(buffer, count);
                lock (_gate)
                {
                    _pieces.Enqueue(piece);
                    if (_pieces.Count >= PiecesPerWake)
                        Monitor.Pulse(_gate);
                }
                _hash?.AppendData(buffer, 0, count);
                Leave(piece);
            }
        }
        catch (Exception failure)
        {
            Failure = failure;
            throw;
        }
        finally
        {
            lock (_gate)
            {
                _pumped = true;
                Monitor.Pulse(_gate);
            }
        }
    }

    /// <summary>Why the reading side found an early end; null when the stream ended by itself.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>The hash of all bytes, once <see cref="PumpAsync"/> is done.</summary>
    public byte[] Hash() => _hash!.GetCurrentHash();

    protected override ReadOnlyMemory<byte> Fill()
    {
        if (_current is not null)
            Leave(_current);
        lock (_gate)
        {
            if (_pieces.Count == 0)
            {
                while (_pieces.Count < PiecesPerWake && !_pumped)
                    Monitor.Wait(_gate);
            }
            if (!_pieces.TryDequeue(out _current))
                return Failure is null ? default : throw new IOException("reading the stream failed", Failure);
        }
        return _current.Buffer.AsMemory(0, _current.Count);
    }

    protected override void Dispose(bool disposing)
    {
        _hash?.Dispose();
        _free.Dispose();
        base.Dispose(disposing);
    }

    // The hash may lag behind the unpacking or lead it: whoever is last gives the buffer back.
    private void Leave(Chunk piece)
    {
        if (Interlocked.Decrement(ref piece.Users) != 0)
            return;
        _spares.Add(piece.Buffer);
        lock (_gate)
        {
            if (++_left < PiecesPerWake)
                return;
            _left = 0;
        }
        _free.Release(PiecesPerWake);
    }

    private sealed class Chunk(byte[] buffer, int count)
    {
        public int Users = 2;

        public byte[] Buffer => buffer;

        public int Count => count;
    }
}
