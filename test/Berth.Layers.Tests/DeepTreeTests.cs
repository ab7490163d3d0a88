using Berth.Faults;
using Berth.Layers.Stores;
using Berth.Layers.Trees;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Layers.Tests;

/// <summary>Trees as a container can make them: nested without end by relative names.</summary>
public sealed class DeepTreeTests : IDisposable
{
    private const int Depth = 5000;
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void Remove_Deep_NeedsFewDescriptors()
    {
        MakeDeep(_scratch["deep"], Depth);
        Shell.Run($"prlimit --nofile=250 dotnet {typeof(Program).Assembly.Location} --child remove {_scratch["deep"]}");
        Assert.False(Directory.Exists(_scratch["deep"]));
    }

    [Fact]
    public void Remove_WideAndDeep_LeavesNothing()
    {
        for (int i = 0; i < 3; i++)
            MakeDeep(_scratch[$"deep/{i}/x"], 150 + i);
        TreeRemover.Remove(_scratch["deep"]);
        Assert.Empty(Directory.GetFileSystemEntries(_scratch.Root));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Commit_Deep_IsRefusedAndTheLayerIsRemovable(bool overlay)
    {
        await using LayerStore store = overlay ? new OverlayLayerStore(_scratch["store"]) : new CopyLayerStore(_scratch["store"]);
        WritableLayer writable = store.CreateWritable("c1", null);
        MakeDeep(Path.Combine(writable.UpperDirectory, "d"), Depth);
        foreach (Func<Task> attempt in (Func<Task>[])[
            () => store.CommitAsync("c1", Tars.Cancel), () => store.CommitCopyAsync("c1", null, Tars.Cancel),
            () => store.WriteChangesTarAsync("c1", Stream.Null, Tars.Cancel), () => Task.FromResult(store.Changes("c1"))])
        {
            FaultException fault = await Assert.ThrowsAsync<FaultException>(attempt);
            Assert.Equal(FaultKind.InvalidArgument, fault.Kind);
            Assert.Contains("nested more than 1000 deep", fault.Message);
        }
        Assert.Empty(store.List());
        Assert.True(store.RemoveWritable("c1"));
        await store.SettleAsync();
        Assert.Empty(Directory.GetFileSystemEntries(_scratch["store/tmp"]));
    }

    [Fact]
    public async Task Commit_AtTheLimit_Works()
    {
        await using OverlayLayerStore store = new(_scratch["store"]);
        WritableLayer writable = store.CreateWritable("c1", null);
        MakeDeep(Path.Combine(writable.UpperDirectory, "d"), TreeLimits.DepthMax - 1);
        Layer layer = await store.CommitCopyAsync("c1", null, Tars.Cancel);
        using MemoryStream tar = new();
        await store.WriteTarAsync(layer.Chain, tar, Tars.Cancel);
        await using OverlayLayerStore other = new(_scratch["other"]);
        Assert.Equal(layer.Chain, (await Tars.ApplyAsync(other, null, tar.ToArray())).Chain);
    }

    [Fact]
    public void Archive_Deep_IsRefused()
    {
        MakeDeep(_scratch["deep"], Depth);
        using FileDescriptor root = FileCalls.OpenDirectory(_scratch["deep"]);
        FaultException fault = Assert.Throws<FaultException>(
            () => TreeArchiver.WriteTree(root, Stream.Null, new ArchiveOptions(), Tars.Cancel));
        Assert.Equal(FaultKind.InvalidArgument, fault.Kind);
    }

    private static void MakeDeep(string path, int depth)
    {
        FileDescriptor directory = FileCalls.OpenDirectory(Directory.CreateDirectory(path).FullName);
        for (int i = 0; i < depth; i++)
        {
            Assert.Equal(0, FileCalls.TryMakeDirectory(directory, "d\0"u8, 0x1ED));
            FileDescriptor next = FileCalls.Open(directory, "d\0"u8, FileCalls.O_RDONLY | FileCalls.O_DIRECTORY);
            directory.Dispose();
            directory = next;
        }
        directory.Dispose();
    }
}
