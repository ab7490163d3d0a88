using System.Buffers;
using Berth.Registry.Hosting.Transport;

namespace Berth.Registry.Tests.Hosting;

public sealed class BlockMemoryTests
{
    private const int BlockBytes = 64 * 1024;

    [Fact]
    public void Rent_GivesAWholeBlock_AndTheOneThatCameBackLast()
    {
        using var memory = new BlockMemory();
        IMemoryOwner<byte> one = memory.Rent(4096);
        IMemoryOwner<byte> other = memory.Rent();
        Assert.Equal((BlockBytes, BlockBytes), (one.Memory.Length, other.Memory.Length));
        Assert.NotSame(one, other);
        one.Dispose();
        other.Dispose();
        Assert.Same(other, memory.Rent(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Rent(BlockBytes + 1));
    }

    [Fact]
    public void Block_GivenBackTwice_IsNotGivenToTwo()
    {
        using var memory = new BlockMemory();
        IMemoryOwner<byte> block = memory.Rent();
        block.Dispose();
        block.Dispose();
        Assert.Same(block, memory.Rent());
        Assert.NotSame(block, memory.Rent());
    }

    [Fact]
    public void Blocks_OfManyConnections_AreNotAllKept()
    {
        using var memory = new BlockMemory();
        List<WeakReference> given = RentAndReturn(memory, 1000);
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true);
        Assert.InRange(given.Count(block => block.IsAlive), 1, 100);
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static List<WeakReference> RentAndReturn(BlockMemory memory, int count)
    {
        IMemoryOwner<byte>[] blocks = [.. Enumerable.Range(0, count).Select(_ => memory.Rent())];
        Array.ForEach(blocks, block => block.Dispose());
        return [.. blocks.Select(block => new WeakReference(block))];
    }
}
