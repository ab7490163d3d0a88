using System.Text;
using Berth.BuildKit.Files;
using Berth.BuildKit.Protocol;
using Berth.Dockerfile.Ignore;
using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Files;
using Google.Protobuf;

namespace Berth.BuildKit.Tests;

public sealed class FileReceiverTests : IDisposable
{
    private const uint Directory = 1u << 31;
    private const uint Link = 1u << 27;
    private readonly string _parent = System.IO.Directory.CreateTempSubdirectory("berth-receive-").FullName;
    private readonly string _root;
    private readonly FileDescriptor _descriptor;

    public FileReceiverTests()
    {
        _root = System.IO.Directory.CreateDirectory($"{_parent}/root").FullName;
        _descriptor = FileCalls.OpenDirectory(_root);
    }

    public void Dispose()
    {
        _descriptor.Dispose();
        Layers.Trees.TreeRemover.Remove(_parent);
    }

    [Fact]
    public void Accept_AWholeTree_IsMadeAsItWasTold()
    {
        using FileReceiver receiver = New();
        Tell(receiver, "d", Directory | 0x1C9, modified: 5_000_000_007);
        Tell(receiver, "d/empty", 0x1A4);
        Tell(receiver, "d/f", (1u << 23) | 0x1ED, size: 5, modified: -1);
        Tell(receiver, "d/hard", 0x1ED, link: "d/f");
        Tell(receiver, "d/soft", Link | 0x1FF, link: "/etc/passwd");
        Tell(receiver, "p", (1u << 25) | 0x180);
        receiver.Accept(new Packet());
        Assert.True(receiver.IsTold && !receiver.IsComplete);
        Assert.True(receiver.TryAsk(out uint number));
        Assert.Equal(2u, number);
        Assert.False(receiver.TryAsk(out _));
        Send(receiver, 2, "con");
        Send(receiver, 2, "te");
        Send(receiver, 2, "");
        Assert.True(receiver.IsComplete);
        receiver.Accept(new Packet { Type = Packet.Types.PacketType.PacketFin });
        receiver.Finish();
        Assert.Equal("conte", File.ReadAllText($"{_root}/d/hard"));
        FileStatus file = FileCalls.Status(_descriptor, "d/f\0"u8);
        Assert.Equal((0x89ED, 2u, new FileTime(-1, 999_999_999)), (file.Mode, file.Links, file.Modified));
        FileStatus directory = FileCalls.Status(_descriptor, "d\0"u8);
        Assert.Equal((0x41C9, new FileTime(5, 7)), (directory.Mode, directory.Modified));
        Assert.Equal("/etc/passwd", new FileInfo($"{_root}/d/soft").LinkTarget);
        Assert.Equal(0, new FileInfo($"{_root}/d/empty").Length);
        Assert.Equal(FileCalls.S_IFIFO, FileCalls.Status(_descriptor, "p\0"u8).Type);
    }

    [Fact]
    public void Accept_NamesThatAreNoText_AreKept()
    {
        using FileReceiver receiver = New();
        receiver.Accept(new Packet { Stat = new Stat { Path = ByteString.CopyFrom(0xFF, 0xFE), Mode = 0x1A4 } });
        Assert.Equal([0xFF, 0xFE, 0], Assert.Single(FileCalls.ListNames(_descriptor)));
    }

    [Fact]
    public void Accept_IgnoredFiles_AreNeitherAskedForNorMade()
    {
        using FileReceiver receiver = New("skip\n*.log\nonly\n!only/this\n");
        Tell(receiver, "a.log", 0x1A4, size: 9);
        Tell(receiver, "b", 0x1A4, link: "a.log");
        Tell(receiver, "c.log", 0x1A4, link: "a.log");
        Tell(receiver, "only", Directory | 0x1ED);
        Tell(receiver, "only/that", 0x1A4, size: 1);
        Tell(receiver, "only/this", 0x1A4);
        Tell(receiver, "skip", Directory | 0x1ED);
        Tell(receiver, "skip/x", 0x1A4, size: 1);
        receiver.Accept(new Packet());
        // "b" is another name of a file whose first is ignored: its contents come under the first one's number.
        Assert.True(receiver.TryAsk(out uint number));
        Assert.Equal(0u, number);
        Send(receiver, 0, "012345678");
        Send(receiver, 0, "");
        Assert.True(receiver.IsComplete);
        Assert.Equal(["b", "only", "only/this"], System.IO.Directory
            .EnumerateFileSystemEntries(_root, "*", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(_root, path)).Order(StringComparer.Ordinal));
        Assert.Equal("012345678", File.ReadAllText($"{_root}/b"));
    }

    [Fact]
    public void Accept_OverAnEarlierTree_AsksForWhatChangedAndRemovesTheRest()
    {
        using (FileReceiver first = New())
        {
            TellTree(first, "same");
            Tell(first, "was-dir", Directory | 0x1ED);
            Tell(first, "was-dir/f", 0x1A4);
            Tell(first, "was-file", 0x1A4);
            Assert.Equal([1u, 2u, 3u, 4u], Complete(first));
        }
        using FileReceiver second = new(_descriptor, IgnoreFile.Empty, ReceiveLimits.Context, isKept: true);
        TellTree(second, "new", changed: 9);
        Tell(second, "was-dir", 0x1A4);
        Tell(second, "was-file", Directory | 0x1ED);
        // Not "d/a", which is as it was; "d/b" has another time, "d/c" another mode, "d/d" is new.
        Assert.Equal([2u, 3u, 4u], Complete(second));
        Assert.Equal(["d", "d/a", "d/b", "d/c", "d/new", "l", "was-dir", "was-file"], System.IO.Directory
            .EnumerateFileSystemEntries(_root, "*", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(_root, path)).Order(StringComparer.Ordinal));
        Assert.Equal("d/new", new FileInfo($"{_root}/l").LinkTarget);
        Assert.Equal(("1", "2", 4L), (File.ReadAllText($"{_root}/d/a"), File.ReadAllText($"{_root}/d/b"), second.TreeBytes));
    }

    [Fact]
    public void Accept_HardLinksOverAnEarlierTree_AreNeverTakenForUnchanged()
    {
        foreach (bool isKept in new[] { false, true })
        {
            using FileReceiver receiver = new(_descriptor, IgnoreFile.Empty, ReceiveLimits.Context, isKept);
            Tell(receiver, "a", 0x1A4, size: 1);
            Tell(receiver, "b", 0x1A4, link: "a");
            Assert.Equal([0u], Complete(receiver));
            Assert.Equal(2u, FileCalls.Status(_descriptor, "b\0"u8).Links);
        }
    }

    [Fact]
    public void Accept_APathThroughALink_IsRefused()
    {
        using FileReceiver receiver = New();
        Tell(receiver, "l", Link | 0x1FF, link: _parent);
        Assert.Throws<FaultException>(() => Tell(receiver, "l/escaped", 0x1A4));
        Assert.False(File.Exists($"{_parent}/escaped"));
    }

    [Fact]
    public void Create_ThroughALinkThatIsThere_IsRefusedByTheKernel()
    {
        // As if the order had not been checked: what was told as a directory is a link by now.
        using FileReceiver receiver = New();
        Tell(receiver, "d", Directory | 0x1ED);
        System.IO.Directory.Delete($"{_root}/d");
        File.CreateSymbolicLink($"{_root}/d", _parent);
        Assert.Throws<FaultException>(() => Tell(receiver, "d/escaped", 0x1A4));
        Assert.False(File.Exists($"{_parent}/escaped"));
    }

    [Theory]
    [InlineData(-1L, "it has -1 bytes")]
    [InlineData(long.MaxValue, "more than the limit")]
    [InlineData(101L, "more than the limit")]
    public void Tell_ASizeThatCannotBe_IsRefused(long size, string message)
    {
        using FileReceiver receiver = new(_descriptor, IgnoreFile.Empty, new ReceiveLimits(10, 100));
        Assert.Contains(message, Assert.Throws<FaultException>(() => Tell(receiver, "f", 0x1A4, size)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Tell_MoreThanTheLimits_IsRefused()
    {
        using FileReceiver few = new(_descriptor, IgnoreFile.Empty, new ReceiveLimits(2, null));
        Tell(few, "a", 0x1A4);
        Tell(few, "b", 0x1A4);
        Assert.Throws<FaultException>(() => Tell(few, "c", 0x1A4));
        using FileReceiver shorter = new(_descriptor, IgnoreFile.Empty, new ReceiveLimits(10, null) { PathBytesMax = 3 });
        Tell(shorter, "e", 0x1A4);
        Assert.Throws<FaultException>(() => Tell(shorter, "fgh", 0x1A4));
    }

    [Theory]
    [InlineData("more", "it has more than 3 bytes")]
    [InlineData("le", "it ended after 2 of 3 bytes")]
    public void Data_OfAnotherLengthThanTold_IsRefused(string content, string message)
    {
        using FileReceiver receiver = New();
        Tell(receiver, "f", 0x1A4, size: 3);
        Assert.True(receiver.TryAsk(out uint number));
        FaultException fault = Assert.Throws<FaultException>(() =>
        {
            Send(receiver, number, content);
            Send(receiver, number, "");
        });
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Accept_WhatIsOutOfPlace_IsRefused()
    {
        using FileReceiver receiver = New();
        Tell(receiver, "f", 0x1A4, size: 3);
        Assert.Throws<FaultException>(() => Send(receiver, 0, "not asked for yet"));
        Assert.Throws<FaultException>(() => Send(receiver, 7, "x"));
        Assert.Throws<FaultException>(() => receiver.Accept(new Packet { Type = Packet.Types.PacketType.PacketFin }));
        Assert.Throws<FaultException>(() => receiver.Accept(new Packet { Type = Packet.Types.PacketType.PacketReq }));
        Assert.Throws<FaultException>(() => receiver.Accept(new Packet { Type = (Packet.Types.PacketType)99 }));
        Assert.Throws<FaultException>(() => Tell(receiver, "g", 0x1A4, link: "nothing"));
        Assert.Throws<FaultException>(() => Tell(receiver, "h", (1u << 26) | 0x180));
        Assert.Throws<FaultException>(() => Tell(receiver, "i", Link | 0x1FF, link: ""));
        receiver.Accept(new Packet());
        Assert.Throws<FaultException>(() => Tell(receiver, "z", 0x1A4));
        FaultException failed = Assert.Throws<FaultException>(() => receiver.Accept(
            new Packet { Type = Packet.Types.PacketType.PacketErr, Data = ByteString.CopyFromUtf8("disk on fire") }));
        Assert.Equal((FaultKind.Unavailable, true), (failed.Kind, failed.Message.Contains("disk on fire", StringComparison.Ordinal)));
    }

    [Fact]
    public void Ask_ManyFiles_HasFewOpenAtOnce()
    {
        using FileReceiver receiver = New();
        for (int i = 0; i < 500; i++)
            Tell(receiver, $"{i:d3}", 0x1A4, size: 1);
        receiver.Accept(new Packet());
        Queue<uint> asked = new();
        int atOnce = 0;
        while (!receiver.IsComplete)
        {
            while (receiver.TryAsk(out uint number))
                asked.Enqueue(number);
            atOnce = Math.Max(atOnce, asked.Count);
            uint next = asked.Dequeue();
            Send(receiver, next, "x");
            Send(receiver, next, "");
        }
        Assert.Equal((64, 500), (atOnce, System.IO.Directory.GetFiles(_root).Length));
    }

    // Four files with the contents "1" to "4"; two of them differ by "changed".
    private static void TellTree(FileReceiver receiver, string last, long changed = 0)
    {
        Tell(receiver, "d", Directory | 0x1ED);
        Tell(receiver, "d/a", 0x1A4, size: 1, modified: 1);
        Tell(receiver, "d/b", 0x1A4, size: 1, modified: 2 + changed);
        Tell(receiver, "d/c", changed > 0 ? 0x180u : 0x1A4u, size: 1, modified: 3);
        Tell(receiver, $"d/{last}", 0x1A4, size: 1, modified: 4);
        Tell(receiver, "l", Link | 0x1FF, link: $"d/{last}", modified: 5);
    }

    private static List<uint> Complete(FileReceiver receiver)
    {
        receiver.Accept(new Packet());
        List<uint> asked = [];
        while (receiver.TryAsk(out uint number))
        {
            asked.Add(number);
            Send(receiver, number, $"{number}");
            Send(receiver, number, "");
        }
        Assert.True(receiver.IsComplete);
        receiver.Finish();
        return asked;
    }

    private FileReceiver New(string ignore = "") => new(_descriptor, IgnoreFile.Parse(ignore), ReceiveLimits.Context);

    private static void Tell(
        FileReceiver receiver, string path, uint mode, long size = 0, string link = "", long modified = 0) => receiver.Accept(new Packet
        {
            Stat = new Stat
            {
                Path = ByteString.CopyFromUtf8(path), Mode = mode, Size = size, ModTime = modified, Linkname = ByteString.CopyFromUtf8(link),
            },
        });

    private static void Send(FileReceiver receiver, uint number, string content) => receiver.Accept(new Packet
    {
        Type = Packet.Types.PacketType.PacketData, Id = number, Data = ByteString.CopyFrom(Encoding.UTF8.GetBytes(content)),
    });
}
