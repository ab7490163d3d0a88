using System.Formats.Tar;
using System.Text;
using Berth.Builder.Cache;
using Berth.Builder.Files;
using Berth.Dockerfile.Ignore;
using Berth.Linux.Files;

namespace Berth.Builder.Tests;

/// <summary>A small context is read where it is, in memory: what that tells must be what the unpacked files tell.</summary>
public sealed class ContextTests : IDisposable
{
    private const string Busy = """
        ./ 755
        a/ 700
        a/b/ 755
        a/b/file 644 text
        a/b/run.sh 755 #!
        a/empty 600
        a/up -> ../top
        a/abs -> /a/b
        a/out -> ../../../../top
        a/loop -> loop
        a/gone -> nothing
        a/b/.hidden 644 h
        ü/ 755
        ü/z.txt 4711 set
        top 444 t
        x-y/ 755
        x/ 1777
        x.y 644 1
        x/y 644 2
        """;

    private readonly string _root = Directory.CreateTempSubdirectory("berth-context-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData("", "")]
    [InlineData("*.txt\nü\n!ü/z.txt", "")]
    [InlineData("a\n!a/b/file", "")]
    [InlineData("**/.hidden\nx", "b/run.sh")]
    [InlineData("*\n!a\na/e*", "**/f*")]
    public async Task InMemory_TellsWhatDiskTells(string ignored, string excluded)
    {
        byte[] tar = Tar(Busy);
        IgnoreFile ignore = IgnoreFile.Parse(ignored), exclude = excluded.Length == 0 ? IgnoreFile.Empty : IgnoreFile.Parse(excluded);
        using MemoryStream body = new(tar);
        using BuildContext context = await BuildContext.ReceiveAsync(body, _root, "Dockerfile", TestContext.Current.CancellationToken);
        ContextIndex index = ContextIndex.TryRead(tar)!;
        using ContextTree memory = new(index, ignore, () => throw new InvalidOperationException("unpacked"));
        using SourceTree disk = new(FileCalls.OpenDirectory(await context.DirectoryAsync()), ignore);
        foreach (string path in new[]
        {
            "", ".", "a", "a/", "a/b", "a/b/file", "a/b/run.sh", "a/up", "a/abs", "a/abs/file", "a/abs/../empty", "a/out", "a/loop", "a/gone", "ü",
            "ü/z.txt", "top", "top/x", "x", "x/y", "x.y", "x-y", "../top", "../../a/b", "nothing", "a/nothing", "a/up/more", "a//b",
        })
        {
            Assert.Equal((path, Key(disk, path, exclude)), (path, Key(memory, path, exclude)));
            Assert.Equal((path, disk.ReadText(path, 100)), (path, memory.ReadText(path, 100)));
        }
        foreach (string pattern in new[] { "*", "**", "a/*", "**/*.txt", "*/b/*", "x*", "?", "a/b/.h*", "[!a]", "ü/*", "a/abs/*" })
            Assert.Equal(disk.Match(PathPattern.Parse(pattern)), memory.Match(PathPattern.Parse(pattern)));
    }

    [Theory]
    [InlineData("b/file 644 text")] // Its directory is not named.
    [InlineData("f 644 1\nf 644 2")]
    [InlineData("d/ 755\nl -> d\nl/f 644 text")]
    [InlineData("../f 644 text")]
    [InlineData("d/ 755\nd/../f 644 text")]
    [InlineData("/f 644 text")]
    [InlineData("d/ 2755")]
    [InlineData("f 644 1\ng => f")]
    [InlineData("p |")]
    [InlineData("f 644 1\nf/g 644 2")]
    public void NotAsClientsMakeIt_IsLeftToUnpacking(string entries) => Assert.Null(ContextIndex.TryRead(Tar(entries)));

    [Fact]
    public void CutShort_IsLeftToUnpacking()
    {
        byte[] tar = Tar("f 644 " + new string('x', 2000));
        Assert.NotNull(ContextIndex.TryRead(tar));
        Assert.Null(ContextIndex.TryRead(tar.AsMemory(0, 1024)));
        tar[0] ^= 1;
        Assert.Null(ContextIndex.TryRead(tar));
    }

    [Fact]
    public async Task Build_WithNothingChanged_UnpacksNothing()
    {
        using Workshop workshop = new();
        const string Dockerfile = "FROM scratch\nCOPY a /a\nADD top /t\nCOPY --parents a/b/f* /p/\nRUN --mount=type=bind,target=/c,source=a/b true\n";
        for (int round = 0; round < 2; round++)
        {
            using MemoryStream body = new(Tar(Busy));
            using BuildContext context = await BuildContext.ReceiveAsync(body, _root, "Dockerfile", TestContext.Current.CancellationToken);
            BuiltImage image = await workshop.BuildAsync(Dockerfile, request => request with { Context = context });
            Assert.Equal(round == 0, Directory.EnumerateDirectories(_root).Any());
            Assert.Equal(round == 0 ? 0 : 4, workshop.CachedSteps);
            Assert.Contains("a/b/file=text", workshop.Tree(image));
            Assert.Contains("p/a/b/file=text", workshop.Tree(image));
        }
        Assert.Empty(Directory.EnumerateDirectories(_root));
    }

    [Fact]
    public async Task LargeContext_HasTheKeysOfASmallOne()
    {
        using Workshop workshop = new();
        foreach (int padding in new[] { 0, 20_000_000 })
        {
            using MemoryStream body = new(Tar("a/ 755\na/f 644 text\nlarge 644 " + new string('x', padding)));
            using BuildContext context = await BuildContext.ReceiveAsync(body, _root, "Dockerfile", TestContext.Current.CancellationToken);
            Assert.Equal(padding > 0, Directory.EnumerateDirectories(_root).Any());
            await workshop.BuildAsync("FROM scratch\nCOPY a /a", request => request with { Context = context });
            Assert.Equal(padding > 0 ? 1 : 0, workshop.CachedSteps);
        }
    }

    private static string? Key(ISourceTree tree, string path, IgnoreFile exclude)
    {
        if (tree.Read(path, exclude) is not { } node)
            return null;
        tree.HashContents([node], TestContext.Current.CancellationToken);
        using KeyBuilder key = new("test");
        return $"{key.Add(node).Finish()} {node.Status.Modified.Seconds * (path.Trim('/', '.').Length > 0 ? 1 : 0)} {node.Status.Size * (node.Status.IsDirectory ? 0 : 1)}";
    }

    /// <summary>A tar of lines: <c>path/ mode</c>, <c>path mode content</c>, <c>path -> link</c>, <c>path => hard link</c>, <c>path |</c>.</summary>
    private static byte[] Tar(string entries)
    {
        using MemoryStream stream = new();
        using (TarWriter tar = new(stream, TarEntryFormat.Pax))
        {
            foreach (string[] words in entries.Split('\n').Select(line => line.Split(' ', 3)))
            {
                PaxTarEntry entry = new(
                    words[1] == "->" ? TarEntryType.SymbolicLink : words[1] == "=>" ? TarEntryType.HardLink : words[1] == "|" ? TarEntryType.Fifo
                    : words[0].EndsWith('/') ? TarEntryType.Directory : TarEntryType.RegularFile, words[0])
                {
                    ModificationTime = DateTimeOffset.UnixEpoch.AddDays(1),
                };
                if (words[1] is "->" or "=>")
                    entry.LinkName = words[2];
                else if (words[1] != "|")
                    entry.Mode = (UnixFileMode)Convert.ToInt32(words[1], 8);
                if (entry.EntryType == TarEntryType.RegularFile)
                    entry.DataStream = new MemoryStream(Encoding.UTF8.GetBytes(words.ElementAtOrDefault(2) ?? ""));
                tar.WriteEntry(entry);
            }
        }
        return stream.ToArray();
    }
}
