using Berth.Faults;
using Berth.Layers.Tar;
using Berth.Layers.Trees;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Layers.Tests;

/// <summary>The rows of the attack list that concern archives; each also holds that the world outside is untouched.</summary>
public sealed class HostileArchiveTests : IDisposable
{
    private readonly Scratch _scratch = new();

    public HostileArchiveTests()
    {
        Directory.CreateDirectory(_scratch["root"]);
        Directory.CreateDirectory(_scratch["outside"]);
        File.WriteAllText(_scratch["outside/secret"], "secret");
    }

    public void Dispose() => _scratch.Dispose();

    public static TheoryData<string, TarEntry[]> Refused => new()
    {
        { "A1 climbs", [Tars.File("../outside/x")] },
        { "A1 climbs in the middle", [Tars.File("a/../../outside/x")] },
        { "A1 long component", [Tars.File(new string('a', 300))] },
        { "A1 long path", [Tars.File(string.Join('/', Enumerable.Repeat("a", 3000)))] },
        { "A3 hard link to the host", [Tars.Link(TarEntryType.HardLink, "x", "../outside/secret")] },
        { "A3 hard link to what is not there", [Tars.Link(TarEntryType.HardLink, "x", "/etc/passwd")] },
        { "A5 whiteout of nothing", [Tars.File(".wh.")] },
        { "A5 whiteout of dot", [Tars.File("a/.wh..")] },
        { "A5 whiteout of dot dot", [Tars.File("a/.wh...")] },
        { "A5 aufs link directory", [Tars.File(".wh..wh.plnk")] },
        { "A5 below a whiteout", [Tars.File(".wh./x")] },
        { "A6 overlay attribute", [Tars.Dir("d") with { Attributes = [new(Tars.Bytes("trusted.overlay.redirect"), Tars.Bytes("/x"))] }] },
        { "A6 overlay user attribute", [Tars.Dir("d") with { Attributes = [new(Tars.Bytes("user.overlay.opaque"), Tars.Bytes("y"))] }] },
        { "A6 whiteout device", [new TarEntry { Type = TarEntryType.CharacterDevice, Path = Tars.Bytes("x") }] },
        { "dangling parent", [Tars.Link(TarEntryType.SymbolicLink, "l", "nowhere/at/all"), Tars.File("l/x")] },
        { "link to itself", [Tars.Link(TarEntryType.SymbolicLink, "l", "l"), Tars.File("l/x")] },
    };

    [Theory]
    [MemberData(nameof(Refused), DisableDiscoveryEnumeration = true)]
    public async Task Extract_Hostile_IsRefused(string what, TarEntry[] entries)
    {
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => ExtractAsync(Tars.Of(entries)));
        Assert.True(fault.Kind == FaultKind.InvalidArgument, $"{what}: {fault}");
        AssertOutsideUntouched();
    }

    [Theory]
    [InlineData("../../outside")]
    [InlineData("/")]
    [InlineData("/proc/self/cwd")]
    public async Task Extract_ThroughLink_StaysInside(string target)
    {
        byte[] tar = Tars.Of([
            Tars.Dir("outside"), Tars.Dir("proc/self/cwd"), Tars.Link(TarEntryType.SymbolicLink, "l", target), Tars.File("l/planted"),
            Tars.File("/absolute"), Tars.Link(TarEntryType.SymbolicLink, "m", "l"), Tars.File("m/second")]);
        await ExtractAsync(tar);
        AssertOutsideUntouched();
        Assert.False(File.Exists("/planted"));
        Assert.True(File.Exists(_scratch["root/absolute"]));
        Assert.Equal("2", Shell.Run($"find {_scratch["root"]} -type f -name planted -o -type f -name second | wc -l").Trim());
    }

    [Fact]
    public async Task Extract_FileOverLink_ReplacesTheLink()
    {
        string outside = _scratch["outside/secret"];
        await ExtractAsync(Tars.Of([(Tars.Link(TarEntryType.SymbolicLink, "x", outside), ""), (Tars.File("x"), "new")]));
        AssertOutsideUntouched();
        Assert.Equal("new", File.ReadAllText(_scratch["root/x"]));
    }

    [Fact]
    public async Task Extract_DirectorySwappedMeanwhile_StaysInside()
    {
        using CancellationTokenSource stop = new();
        string directory = _scratch["root/d"];
        Directory.CreateDirectory(directory);
        Task swapper = Task.Run(() => Swap(directory, stop.Token), Tars.Cancel);
        byte[] tar = Tars.Of(Enumerable.Range(0, 3000).SelectMany(i => new[] { Tars.File($"d/f{i}"), Tars.File($"e{i % 20}/x") }));
        for (int i = 0; i < 5; i++)
        {
            try
            {
                await ExtractAsync(tar);
            }
            catch (FaultException)
            {
                // The swapper may make the path useless; that is an error, not an escape.
            }
        }
        await stop.CancelAsync();
        await swapper;
        AssertOutsideUntouched();
    }

    [Theory]
    [InlineData(124, "\u0080\u0000\u0000\u0000\u007f\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff")] // 8 EB and no data
    [InlineData(124, "\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00fe")] // negative
    [InlineData(124, "7777777777z\0")]
    [InlineData(156, "Q")]
    [InlineData(108, "\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff")]
    public void Read_BadHeader_IsRefused(int offset, string field)
    {
        byte[] tar = Tars.Of([Tars.File("x")]);
        System.Text.Encoding.Latin1.GetBytes(field).CopyTo(tar, offset);
        Seal(tar);
        Assert.Equal(FaultKind.InvalidArgument, Assert.Throws<FaultException>(() => ReadAll(tar)).Kind);
    }

    [Fact]
    public void Read_PaxHeaderOfOneGigabyte_IsRefusedWithoutReadingIt()
    {
        byte[] tar = Tars.Of([Tars.File("x")]);
        tar[156] = (byte)'x';
        "10000000000\0"u8.CopyTo(tar.AsSpan(124));
        Seal(tar);
        Assert.Contains("extended header", Assert.Throws<FaultException>(() => ReadAll(tar)).Message);
    }

    [Fact]
    public void Read_TooManyEntries_IsRefused()
    {
        TarReader reader = new(new MemoryStream(Tars.Of([Tars.File("a"), Tars.File("b")])), new TarLimits { EntriesMax = 1 });
        Assert.NotNull(reader.Next());
        Assert.Throws<FaultException>(() => reader.Next());
    }

    [Fact]
    public void Read_Mutated_NeverFailsOtherwiseThanByFault()
    {
        Random random = new(20260718);
        byte[] seed = Tars.Of([(Tars.File(new string('p', 200)), "data"), (Tars.Dir("d"), ""), (Tars.File("s") with { Uid = 9999999 }, "x"),
            (Tars.Link(TarEntryType.SymbolicLink, "l", "t") with { Modified = new FileTime(-5, 3) }, "")]);
        for (int round = 0; round < 20_000; round++)
        {
            byte[] tar = seed.AsSpan(0, random.Next(4) == 0 ? random.Next(seed.Length) : seed.Length).ToArray();
            for (int i = random.Next(1, 6); i > 0 && tar.Length > 0; i--)
                tar[random.Next(tar.Length)] = (byte)random.Next(256);
            for (int block = 0; block + 512 <= tar.Length && random.Next(3) > 0; block += 512)
                Seal(tar.AsSpan(block, 512));
            try
            {
                ReadAll(tar);
            }
            catch (FaultException fault) when (fault.Kind == FaultKind.InvalidArgument)
            {
                // The only way to say no.
            }
        }
    }

    private static void ReadAll(byte[] tar)
    {
        TarReader reader = new(new MemoryStream(tar));
        while (reader.Next() is not null)
        {
            while (reader.TryReadData(out _, out _)) { }
        }
    }

    private static void Seal(Span<byte> header)
    {
        header[148..156].Fill((byte)' ');
        int sum = 0;
        foreach (byte next in header[..512])
            sum += next;
        System.Text.Encoding.ASCII.GetBytes(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ").CopyTo(header[148..]);
    }

    private void Swap(string directory, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                FileCalls.Rename(directory, directory + ".aside");
                File.CreateSymbolicLink(directory, _scratch["outside"]);
                File.Delete(directory);
                FileCalls.Rename(directory + ".aside", directory, FileCalls.RENAME_NOREPLACE);
            }
            catch (IOException)
            {
                // The extractor has made the name again, and may write below the old one still.
                Shell.Run($"(rm -rf {directory}.aside; mkdir -p {directory}) 2>/dev/null || true");
            }
        }
    }

    private async Task ExtractAsync(byte[] tar)
    {
        using FileDescriptor root = FileCalls.OpenDirectory(_scratch["root"]);
        await TreeExtractor.ExtractAsync(
            new MemoryStream(tar), root, new ExtractOptions { Whiteouts = WhiteoutMode.Overlay }, Tars.Cancel);
    }

    private void AssertOutsideUntouched()
    {
        Assert.Equal([_scratch["outside/secret"]], Directory.GetFileSystemEntries(_scratch["outside"]));
        Assert.Equal("secret", File.ReadAllText(_scratch["outside/secret"]));
    }
}
