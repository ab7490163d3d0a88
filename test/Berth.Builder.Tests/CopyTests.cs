using System.Formats.Tar;
using System.IO.Compression;
using Berth.Faults;
using Berth.Linux.Files;

namespace Berth.Builder.Tests;

public sealed class CopyTests : IDisposable
{
    private readonly Workshop _workshop = new();

    public CopyTests()
    {
        Assert.SkipUnless(Environment.UserName == "root", "needs root: overlayfs mounts");
        _workshop.Write("a.txt", "a");
        _workshop.Write("b.txt", "b");
        _workshop.Write("d/x/1", "1");
        _workshop.Write("d/2", "2");
        File.CreateSymbolicLink(Path.Combine(_workshop.ContextDirectory, "link"), "d/2");
        File.CreateSymbolicLink(Path.Combine(_workshop.ContextDirectory, "out"), "/etc/hostname");
        File.CreateSymbolicLink(Path.Combine(_workshop.ContextDirectory, "d/inner"), "/etc/passwd");
    }

    public void Dispose() => _workshop.Dispose();

    // The rules of the Dockerfile reference, "COPY".
    [Theory]
    [InlineData("COPY a.txt /", "a.txt=a")]
    [InlineData("COPY a.txt /t", "t=a")]
    [InlineData("COPY a.txt /t/", "t/ t/a.txt=a")]
    [InlineData("COPY a.txt b.txt /t/", "t/ t/a.txt=a t/b.txt=b")]
    [InlineData("COPY *.txt /t/", "t/ t/a.txt=a t/b.txt=b")]
    [InlineData("COPY ?.txt t/", "t/ t/a.txt=a t/b.txt=b")]
    [InlineData("COPY d /t", "t/ t/2=2 t/inner -> /etc/passwd t/x/ t/x/1=1")]
    [InlineData("COPY d/ /t/", "t/ t/2=2 t/inner -> /etc/passwd t/x/ t/x/1=1")]
    [InlineData("COPY d/* /t/", "t/ t/1=1 t/2=2")]
    [InlineData("COPY --exclude=x --exclude=inner d /t", "t/ t/2=2")]
    [InlineData("COPY --exclude=inner **/1 /t/", "t/ t/1=1")]
    [InlineData("COPY link /t", "t=2")]
    [InlineData("COPY ../../a.txt /t", "t=a")]
    [InlineData("COPY --parents d/x/1 /t/", "t/ t/d/ t/d/x/ t/d/x/1=1")]
    [InlineData("COPY --parents d/./x/1 /t/", "t/ t/x/ t/x/1=1")]
    [InlineData("COPY --link a.txt /t/u", "t/ t/u=a")]
    [InlineData("COPY <<f.txt /t/\nhi $HOME\nf.txt", "t/ t/f.txt=hi \n")]
    [InlineData("COPY [\"a.txt\", \"/with space\"]", "with space=a")]
    [InlineData("ADD a.txt /t/", "t/ t/a.txt=a")]
    [InlineData("WORKDIR /w\nCOPY a.txt .", "w/ w/a.txt=a")]
    [InlineData("WORKDIR /w\nCOPY a.txt ./t", "w/ w/t=a")]
    [InlineData("COPY a.txt /t\nCOPY b.txt /t", "t=b")]
    [InlineData("COPY d /t\nCOPY a.txt /t", "t/ t/2=2 t/a.txt=a t/inner -> /etc/passwd t/x/ t/x/1=1")]
    public async Task Copy_Rules_AsDocumented(string instructions, string expected)
    {
        BuiltImage image = await _workshop.BuildAsync("FROM scratch\n" + instructions);
        Assert.Equal(expected, string.Join(' ', _workshop.Tree(image)));
    }

    [Theory]
    [InlineData("COPY none /", "COPY failed: file not found in build context or excluded by .dockerignore: stat none: file does not exist")]
    [InlineData("COPY n*e /", "COPY failed: no source files were specified")]
    [InlineData("COPY a.txt b.txt /t", "When using COPY with more than one source file, the destination must be a directory and end with a /")]
    [InlineData("COPY out /t", "COPY failed: file not found in build context or excluded by .dockerignore: stat out: file does not exist")]
    [InlineData("COPY --chown=nobody a.txt /", "unable to convert uid/gid chown string to host mapping: can't find uid for user nobody: no such user: nobody")]
    [InlineData("COPY --chmod=9 a.txt /", "invalid chmod parameter: '9': it should be octal string and between 0 and 07777, or symbolic like u=rwX,go=rX")]
    [InlineData("COPY d /t\nCOPY d/2 /t/x", null)]
    [InlineData("COPY a.txt /t\nCOPY d /t", "mkdir /t: not a directory")]
    public async Task Copy_Mistakes_AreNamed(string instructions, string? message)
    {
        if (message is null)
        {
            await _workshop.BuildAsync("FROM scratch\n" + instructions);
            return;
        }
        Assert.Equal(message, (await _workshop.FailsAsync("FROM scratch\n" + instructions)).Message);
    }

    [Fact]
    public async Task Copy_ChownChmodAndTimes_AreKept()
    {
        _workshop.Write("passwd", "root:x:0:0::/:\napp:x:1000:1001::/:\n");
        _workshop.Write("group", "staff:x:50:\n");
        File.SetLastWriteTimeUtc(Path.Combine(_workshop.ContextDirectory, "a.txt"), DateTime.UnixEpoch.AddDays(1));
        BuiltImage image = await _workshop.BuildAsync(
            "FROM scratch\nCOPY passwd group /etc/\nCOPY --chown=app:staff --chmod=4755 a.txt /one\nCOPY --chown=app --chmod=u=rwX,go=rX d /two\nCOPY --chown=7:8 b.txt /n/");
        FileStatus one = _workshop.Status(image, "one");
        Assert.Equal((1000u, 50u, 0x9ED, 86400L), (one.Uid, one.Gid, one.Permissions, one.Modified.Seconds));
        Assert.Equal((1000u, 1001u, 0x1A4), (_workshop.Status(image, "two/2").Uid, _workshop.Status(image, "two/2").Gid, _workshop.Status(image, "two/2").Permissions));
        Assert.Equal(0x1ED, _workshop.Status(image, "two/x").Permissions);
        Assert.Equal((7u, 8u), (_workshop.Status(image, "n").Uid, _workshop.Status(image, "n/b.txt").Gid));
        Assert.Equal(0u, _workshop.Status(image, "etc/passwd").Uid);
    }

    [Fact]
    public async Task Copy_DestinationLinks_StayInsideTheRoot()
    {
        _workshop.Command = (_, root, _, _) =>
        {
            Directory.CreateDirectory(root + "/usr/lib");
            File.CreateSymbolicLink(root + "/lib", "usr/lib");
            File.CreateSymbolicLink(root + "/host", "/../../tmp/berth-escape");
            return Task.FromResult(0);
        };
        BuiltImage image = await _workshop.BuildAsync("FROM scratch\nRUN x\nCOPY a.txt /lib/\nCOPY b.txt /lib/sub/b");
        Assert.Equal(["host -> /../../tmp/berth-escape", "lib -> usr/lib", "usr/", "usr/lib/", "usr/lib/a.txt=a", "usr/lib/sub/", "usr/lib/sub/b=b"], _workshop.Tree(image));
        await _workshop.FailsAsync("FROM scratch\nRUN x\nCOPY a.txt /host/");
        Assert.False(Path.Exists("/tmp/berth-escape"));
    }

    [Fact]
    public async Task Add_Archive_IsUnpackedUnlessToldNot()
    {
        using (FileStream file = File.Create(Path.Combine(_workshop.ContextDirectory, "t.tgz")))
        using (GZipStream gzip = new(file, CompressionLevel.Fastest))
            TarFile.CreateFromDirectory(Path.Combine(_workshop.ContextDirectory, "d"), gzip, includeBaseDirectory: false);
        Assert.Equal(["t/", "t/2=2", "t/inner -> /etc/passwd", "t/x/", "t/x/1=1"], _workshop.Tree(await _workshop.BuildAsync("FROM scratch\nADD t.tgz /t/")));
        Assert.Equal(FileCalls.S_IFREG, _workshop.Status(await _workshop.BuildAsync("FROM scratch\nADD --unpack=false t.tgz /t/"), "t/t.tgz").Type);
        Assert.Equal(FileCalls.S_IFREG, _workshop.Status(await _workshop.BuildAsync("FROM scratch\nCOPY t.tgz /t/"), "t/t.tgz").Type);
        _workshop.Write("x.tar.bz2", "BZh91AY&SY0123456789012345");
        Assert.Equal(FaultKind.NotSupported, (await _workshop.FailsAsync("FROM scratch\nADD x.tar.bz2 /")).Kind);
    }

    [Fact]
    public async Task Context_FifoAndDeepTree_DoNotHang()
    {
        using (var directory = FileCalls.OpenDirectory(_workshop.ContextDirectory))
            Assert.Equal(0, FileCalls.TryMakeNode(directory, "fifo\0"u8, FileCalls.S_IFIFO | 0x180, 0, 0));
        Assert.Equal(FileCalls.S_IFIFO, _workshop.Status(await _workshop.BuildAsync("FROM scratch\nCOPY fifo /f"), "f").Type);
        string deep = Path.Combine(_workshop.ContextDirectory, "deep");
        Directory.CreateDirectory(deep + string.Concat(Enumerable.Repeat("/a", 500)));
        Assert.Contains("deeper than", (await _workshop.FailsAsync("FROM scratch\nCOPY deep /f")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AbandonedContext_IsRemovedAndOthersAreLeft()
    {
        using MemoryStream body = new(new byte[1024]);
        BuildContext left = await BuildContext.ReceiveAsync(body, _workshop.Root, "Dockerfile", TestContext.Current.CancellationToken);
        string other = Directory.CreateDirectory(Path.Combine(_workshop.Root, "other")).FullName;
        string directory = await left.DirectoryAsync();
        Assert.True(Directory.Exists(directory));
        BuildContext.RemoveAbandoned(_workshop.Root);
        Assert.False(Directory.Exists(directory));
        Assert.True(Directory.Exists(other));
    }

    [Fact]
    public async Task Context_UnpackedFromGzip_AppliesIgnoreFile()
    {
        _workshop.Write(".dockerignore", "d\n!d/2");
        using MemoryStream body = new();
        await using (GZipStream gzip = new(body, CompressionLevel.Fastest, leaveOpen: true))
        await using (TarWriter tar = new(gzip))
        {
            foreach (string name in new[] { ".dockerignore", "d/x/1", "d/2", "d/inner" })
                await tar.WriteEntryAsync(Path.Combine(_workshop.ContextDirectory, name), name, TestContext.Current.CancellationToken);
        }
        body.Position = 0;
        string directory;
        using (BuildContext context = await BuildContext.ReceiveAsync(body, _workshop.Root, "Dockerfile", TestContext.Current.CancellationToken))
        {
            Assert.Equal(["d", "!d/2"], context.Ignore.Patterns);
            Assert.True(context.Ignore.CanSkip("d/x"));
            BuiltImage image = await _workshop.BuildAsync("FROM scratch\nCOPY d /t", request => request with { Context = context });
            Assert.Equal(["t/", "t/2=2"], _workshop.Tree(image));
            directory = await context.DirectoryAsync();
        }
        Assert.False(Directory.Exists(directory));
        await Assert.ThrowsAsync<FaultException>(() => BuildContext.ReceiveAsync(new MemoryStream(new byte[] { 1, 2, 3, 4, 5, 6, 7 }), _workshop.Root, "Dockerfile", TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Copy_ManyFiles_UnchangedIsCached()
    {
        for (int i = 0; i < 20_000; i++)
            _workshop.Write($"many/{i % 100}/{i}", $"content {i}");
        await _workshop.BuildAsync("FROM scratch\nCOPY many /m");
        await _workshop.BuildAsync("FROM scratch\nCOPY many /m");
        Assert.Equal(1, _workshop.CachedSteps);
    }
}
