using Berth.Faults;
using Berth.Layers.Tar;
using Berth.Layers.Trees;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Layers.Tests;

/// <summary>Archiving, copying and unpacking trees whose owner is hostile: docker cp, export and new volumes.</summary>
public sealed class TreeTests : IDisposable
{
    private readonly Scratch _scratch = new();

    public TreeTests()
    {
        Shell.Run($"mkdir -p {_scratch["outside"]} {_scratch["root"]}/data/sub {_scratch["target"]}; cd {_scratch["root"]}; "
            + $"echo secret > {_scratch["outside"]}/secret; echo in > data/f; chown 5:6 data/f; ln data/f data/sub/hard; "
            + $"ln -s {_scratch["outside"]} escape; ln -s ../../../../../../{_scratch["outside"]} data/up; ln -s /data absolute; ln -s loop loop");
    }

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void WriteTree_WithLinksOut_ArchivesTheLinks()
    {
        using FileDescriptor root = FileCalls.OpenDirectory(_scratch["root"]);
        using (FileStream tar = File.Create(_scratch["t.tar"]))
            TreeArchiver.WriteTree(root, tar, new ArchiveOptions { Prefix = Tars.Bytes("p/") }, Tars.Cancel);
        Assert.Equal("p/absolute\np/data/\np/data/f\np/data/sub/\np/data/sub/hard\np/data/up\np/escape\np/loop\n",
            Shell.Run($"tar tf {_scratch["t.tar"]}"));
        Assert.DoesNotContain("secret", Shell.Run($"tar xOf {_scratch["t.tar"]}"));
    }

    [Theory]
    [InlineData("/absolute/f")]
    [InlineData("data/../absolute/f")]
    [InlineData("/../../absolute/sub/hard")]
    public void WritePath_ThroughLinksInTheRoot_IsTheFile(string path) => Assert.Equal("n\n", WritePath(path));

    [Theory]
    [InlineData("escape/secret")]
    [InlineData("data/up/secret")]
    [InlineData("loop/x")]
    public void WritePath_ThroughLinksOut_IsNotThere(string path) =>
        Assert.Contains(Assert.Throws<LinuxException>(() => WritePath(path)).Error, (int[])[Errno.ENOENT, Errno.ELOOP]);

    [Theory]
    [InlineData("data", true)]
    [InlineData("/absolute/", true)]
    [InlineData("absolute/../absolute/sub/..", true)]
    [InlineData("../../data", true)]
    [InlineData("escape", false)]
    [InlineData("data/up", false)]
    [InlineData("loop", false)]
    [InlineData("data/f", false)]
    [InlineData("nothing", false)]
    public void CopyUp_OfHostileTree_StaysInside(string path, bool copied)
    {
        using FileDescriptor root = FileCalls.OpenDirectory(_scratch["root"]);
        Assert.Equal(copied, TreeCopier.TryCopyInto(root, path, _scratch["target"], Tars.Cancel));
        Assert.Equal(copied ? "f f 5\nsub d 0\nsub/hard f 5\nup l 0\n" : "",
            Shell.Run($"cd {_scratch["target"]}; find . -mindepth 1 -printf '%P %y %U\\n' | sort"));
        if (copied)
            Shell.Run($"test {_scratch["target"]}/f -ef {_scratch["target"]}/sub/hard");
        Assert.Equal("secret\n", File.ReadAllText(_scratch["outside/secret"]));
    }

    [Fact]
    public async Task Extract_NoOverwriteDirNonDir_KeepsWhatIsThere()
    {
        ExtractOptions options = new() { NoOverwriteDirNonDir = true };
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => ExtractAsync(options, Tars.File("data")));
        Assert.Equal("cannot overwrite directory \"data\" with non-directory \"data\"", fault.Message);
        fault = await Assert.ThrowsAsync<FaultException>(() => ExtractAsync(options, Tars.Dir("data/f")));
        Assert.Equal("cannot overwrite non-directory \"data/f\" with directory \"data/f\"", fault.Message);
        await ExtractAsync(options, Tars.File("data/f"), Tars.Dir("data/sub"));
        Assert.Equal("0", Shell.Run($"stat -c %s {_scratch["root"]}/data/f").Trim());
        Assert.True(File.Exists(_scratch["root/data/sub/hard"]));
    }

    [Fact]
    public async Task Extract_MapOwner_AppliesToEveryKindOfEntry()
    {
        ExtractOptions options = new() { MapOwner = static (uid, gid) => (uid + 100_000, gid + 200_000) };
        await ExtractAsync(options, Tars.Dir("m"), Tars.File("m/f") with { Uid = 1, Gid = 2 }, Tars.Link(TarEntryType.SymbolicLink, "m/l", "f"),
            new TarEntry { Type = TarEntryType.Fifo, Path = Tars.Bytes("m/p"), Mode = 0x1A4 });
        Assert.Equal("m 100000 200000\nm/f 100001 200002\nm/l 100000 200000\nm/p 100000 200000\n",
            Shell.Run($"cd {_scratch["root"]}; find m -printf '%p %U %G\\n' | sort"));
    }

    [Fact]
    public async Task Extract_DevicesOrBytesBeyondWhatIsAllowed_AreRefused()
    {
        TarEntry device = new() { Type = TarEntryType.BlockDevice, Path = Tars.Bytes("sda"), DeviceMajor = 8 };
        FaultException fault = await Assert.ThrowsAsync<FaultException>(
            () => ExtractAsync(new ExtractOptions { AllowDevices = false }, device));
        Assert.Contains("device nodes are not allowed", fault.Message);
        using FileDescriptor root = FileCalls.OpenDirectory(_scratch["root"]);
        byte[] tar = Tars.Of([(Tars.File("large"), new string('x', 1001))]);
        fault = await Assert.ThrowsAsync<FaultException>(() => TreeExtractor.ExtractAsync(
            new MemoryStream(tar), root, new ExtractOptions { WrittenBytesMax = 1000 }, Tars.Cancel));
        Assert.Equal(FaultKind.InvalidArgument, fault.Kind);
    }

    private string WritePath(string path)
    {
        using FileDescriptor root = FileCalls.OpenDirectory(_scratch["root"]);
        using (FileStream tar = File.Create(_scratch["t.tar"]))
            TreeArchiver.WritePath(root, path, "n", tar, new ArchiveOptions(), Tars.Cancel);
        return Shell.Run($"tar tf {_scratch["t.tar"]}");
    }

    private async Task ExtractAsync(ExtractOptions options, params TarEntry[] entries)
    {
        using FileDescriptor root = FileCalls.OpenDirectory(_scratch["root"]);
        await TreeExtractor.ExtractAsync(new MemoryStream(Tars.Of(entries)), root, options, Tars.Cancel);
    }
}
