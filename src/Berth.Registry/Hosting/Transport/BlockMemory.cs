using System.Buffers;
using System.Collections.Concurrent;
using Microsoft.AspNetCore.Connections;

namespace Berth.Registry.Hosting.Transport;

/// <summary>Memory of connections in blocks of 64 KiB. The server's own are of 4 KiB, and it reads as much at once as a block takes: of
/// a layer, each 4 KiB would be a system call.</summary>
/// <remarks>A connection has a block only while something has arrived that was not read yet, so those that wait cost nothing.</remarks>
internal sealed class BlockMemory : MemoryPool<byte>, IMemoryPoolFactory<byte>
{
    private const int BlockBytes = 64 * 1024;

    // Blocks that wait for their next use; more than these are given back to the heap.
    private const int KeptMax = 64;

    // The one used last is the one that the processor's cache still has.
    private readonly ConcurrentStack<Block> _free = new();
    private int _kept;

    /// <inheritdoc/>
    public override int MaxBufferSize => BlockBytes;

    /// <summary>All listeners use this one.</summary>
    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => this;

    /// <inheritdoc/>
    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, BlockBytes);
        if (!_free.TryPop(out Block? block))
            return new Block(this);
        Interlocked.Decrement(ref _kept);
        block.IsFree = false;
        return block;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // Nothing but memory: a listener that ends leaves the pool to the others.
    }

    private void Return(Block block)
    {
        if (Interlocked.Increment(ref _kept) <= KeptMax)
            _free.Push(block);
        else
            Interlocked.Decrement(ref _kept);
    }

    private sealed class Block(BlockMemory pool) : IMemoryOwner<byte>
    {
        // The kernel writes into it while the heap is tidied.
        private readonly byte[] _bytes = GC.AllocateUninitializedArray<byte>(BlockBytes, pinned: true);
        private int _free;

        public Memory<byte> Memory => _bytes;

        public bool IsFree { set => Volatile.Write(ref _free, value ? 1 : 0); }

        // A second time would give the block to two connections.
        public void Dispose()
        {
            if (Interlocked.Exchange(ref _free, 1) == 0)
                pool.Return(this);
        }
    }
}
