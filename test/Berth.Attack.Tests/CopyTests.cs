using System.Formats.Tar;
using System.Text;

namespace Berth.Attack.Tests;

/// <summary>3.3: <c>cp</c> and the archive calls against a container that changes its tree meanwhile.</summary>
public sealed class CopyTests(AttackEngine engine)
{
    private const int Rounds = 150;

    [Theory]
    [InlineData("absolute")]
    [InlineData("climbing")]
    public async Task C01_DirectorySwappedForALink_NothingIsReadOutside(string kind) // CVE-2018-15664
    {
        engine.Skip();
        string outside = engine.NewOutside();
        await using Swapper swapper = await Swapper.StartAsync(
            engine, $"mkdir t && echo own > t/secret && ln -s {Link(kind, outside)} l", "t", "l");
        string victim = await engine.StayAsync("sleep 1000", "-v", $"{swapper.Volume}:/v");
        int read = 0;
        for (int i = 0; swapper.NeedsMore(i, read, Rounds); i++)
        {
            string answer = await engine.RequestAsync("GET", $"/containers/{victim}/archive?path=/v/t{(i % 2 == 0 ? "/secret" : "/.")}");
            Assert.DoesNotContain(AttackEngine.Marker, answer);
            read += answer.Contains("own\n", StringComparison.Ordinal) ? 1 : 0;
        }
        swapper.AssertRaced(read);
        await engine.RemoveAsync(victim);
    }

    [Theory]
    [InlineData("absolute")]
    [InlineData("climbing")]
    public async Task C01_C02_DirectorySwappedForALink_NothingIsWrittenOrChangedOutside(string kind) // CVE-2018-15664, CVE-2021-41089
    {
        engine.Skip();
        string outside = engine.NewOutside();
        System.IO.File.SetUnixFileMode(outside, (UnixFileMode)0x1C0);
        await using Swapper swapper = await Swapper.StartAsync(
            engine, $"mkdir -p t/d && ln -s {Link(kind, outside)} l", "t", "l");
        string victim = await engine.StayAsync("sleep 1000", "-v", $"{swapper.Volume}:/v");
        byte[] archive = Archive(
            new UstarTarEntry(TarEntryType.Directory, "d") { Mode = (UnixFileMode)0x1FF },
            File("d/secret", "taken"), File("secret", "taken"), File("other", "made"),
            new UstarTarEntry(TarEntryType.Directory, ".") { Mode = (UnixFileMode)0x1FF, Uid = 1000 });
        int written = 0;
        for (int i = 0; swapper.NeedsMore(i, written, Rounds); i++)
        {
            string answer = await engine.RequestAsync("PUT", $"/containers/{victim}/archive?path=/v/t", archive);
            written += answer.StartsWith("HTTP/1.1 200", StringComparison.Ordinal) ? 1 : 0;
        }
        Assert.Equal(["secret"], Directory.GetFileSystemEntries(outside).Select(Path.GetFileName));
        Assert.Equal(AttackEngine.Marker, System.IO.File.ReadAllText($"{outside}/secret"));
        Assert.Equal((UnixFileMode)0x180, System.IO.File.GetUnixFileMode($"{outside}/secret"));
        Assert.Equal((UnixFileMode)0x1C0, System.IO.File.GetUnixFileMode(outside));
        swapper.AssertRaced(written);
        await engine.RemoveAsync(victim);
    }

    [Fact]
    public async Task C01_FileSwappedForADevice_IsNeverOpened()
    {
        engine.Skip();
        AttackEngine.SkipRemapped();
        // Opening a device is an act: a watchdog starts, a tape rewinds. The engine is in no devices cgroup that would refuse it.
        string name = await engine.StayAsync("mknod /d c 1 3; echo own > /f; sleep 1000");
        await Shell.UntilAsync(async () => (await engine.BerthAsync("exec", name, "test", "-e", "/f")).Code == 0, "the node is made");
        await using Watch watch = await Watch.StartAsync(engine, name, "/d");
        await engine.DoAsync("exec", "-d", name, "/attacker", "swap", "/f", "/d");
        int read = 0;
        for (int i = 0; i < 400 && read < 60; i++)
            read += (await engine.RequestAsync("GET", $"/containers/{name}/archive?path=/f")).Contains("own\n", StringComparison.Ordinal) ? 1 : 0;
        Assert.False(watch.WasOpened, "the engine opened the device");
        Assert.True(read > 10, $"only {read} reads");
        await engine.RemoveAsync(name);
    }

    [Fact]
    public async Task C03_TargetsOfMountsSwapped_CopyMountsNothingAndMakesNothing() // CVE-2026-41568, CVE-2026-42306
    {
        engine.Skip();
        string outside = engine.NewOutside();
        string inner = engine.NewName("inner");
        await using Swapper swapper = await Swapper.StartAsync(
            engine, $"mkdir -p t/m && echo own > t/secret && ln -s ../../../../../../../..{outside} l", "t", "l");
        string victim = engine.NewName("stay");
        while ((await engine.BerthAsync("run", "-d", "--network", "none", "--name", victim, "-v", $"{swapper.Volume}:/v", "-v",
            $"{inner}:/v/t/m", AttackEngine.Image, "sleep", "1000")).Code != 0)
            await engine.RemoveAsync(victim);
        string[] before = Mounts();
        byte[] archive = Archive(File("m/file", "x"), File("m", "x"));
        for (int i = 0; swapper.NeedsMore(i, 1, Rounds); i++)
        {
            await engine.RequestAsync("PUT", $"/containers/{victim}/archive?path=/v/t", archive);
            string answer = await engine.RequestAsync("GET", $"/containers/{victim}/archive?path=/v/t/m");
            Assert.DoesNotContain(AttackEngine.Marker, answer);
            Assert.Equal(before, Mounts());
        }
        Assert.Equal(["secret"], Directory.GetFileSystemEntries(outside).Select(Path.GetFileName));
        swapper.AssertRaced(1);
        await engine.RemoveAsync(victim);
        await engine.DoAsync("volume", "rm", inner);

        // As the engine's namespace has them below its own roots.
        string[] Mounts() => [.. System.IO.File.ReadLines($"/proc/{engine.Daemon.Id}/mountinfo")
            .Where(line => line.Contains(engine.Root, StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
    }

    [Theory]
    [InlineData("../../../../../..", 200)]
    [InlineData("/../../..", 200)]
    [InlineData("/proc/1/root", 404)]
    [InlineData("/proc/1/cwd", 404)]
    [InlineData("/nope", 404)]
    [InlineData("/bin/busybox", 400)]
    [InlineData("/a%00b", 400)]
    public async Task C04_PathOfThePut_EndsInTheContainerOrIsRefused(string path, int status)
    {
        engine.Skip();
        string name = await engine.StayAsync("sleep 1000");
        string file = engine.NewName("berth-attack-c04-");
        string answer = await engine.RequestAsync("PUT", $"/containers/{name}/archive?path={path}", Archive(File(file, "x")));
        Assert.StartsWith($"HTTP/1.1 {status} ", answer);
        Assert.False(Path.Exists($"/{file}"));
        if (status == 200)
            Assert.Equal("x", await engine.DoAsync("exec", name, "cat", $"/{file}"));
        await engine.RemoveAsync(name);
    }

    public static TheoryData<string> HostileNames => ["../out", "d/../../out", "/../out", "./../out", "l/out", "l/../out"];

    [Theory]
    [MemberData(nameof(HostileNames))]
    public async Task C04_NamesInTheArchive_StayInTheContainer(string name)
    {
        engine.Skip();
        string outside = engine.NewOutside();
        string container = await engine.StayAsync($"mkdir /in; ln -s ../../../../..{outside} /in/l; sleep 1000");
        await Shell.UntilAsync(async () => (await engine.BerthAsync("exec", container, "test", "-L", "/in/l")).Code == 0, "the link is made");
        string answer = await engine.RequestAsync("PUT", $"/containers/{container}/archive?path=/in", Archive(
            File(name, "x"), new PaxTarEntry(TarEntryType.HardLink, "hard") { LinkName = "../../.." + outside + "/secret" }));
        Assert.True(answer.StartsWith("HTTP/1.1 4", StringComparison.Ordinal), answer);
        Assert.Equal(["secret"], Directory.GetFileSystemEntries(outside).Select(Path.GetFileName));
        Assert.False(Path.Exists("/out"));
        await engine.RemoveAsync(container);
    }

    [Fact]
    public async Task C04_DirectoryOverFile_IsRefusedWhenAsked()
    {
        engine.Skip();
        string name = await engine.StayAsync("mkdir -p /in/d && echo x > /in/f; sleep 1000");
        await Shell.UntilAsync(async () => (await engine.BerthAsync("exec", name, "test", "-e", "/in/f")).Code == 0, "the file is made");
        const string Query = "path=/in&noOverwriteDirNonDir=true";
        foreach (byte[] archive in new[] { Archive(new UstarTarEntry(TarEntryType.Directory, "f")), Archive(File("d", "x")) })
        {
            string answer = await engine.RequestAsync("PUT", $"/containers/{name}/archive?{Query}", archive);
            Assert.StartsWith("HTTP/1.1 400 ", answer);
        }
        Assert.Equal("x\n", await engine.DoAsync("exec", name, "cat", "/in/f"));
        await engine.RemoveAsync(name);
    }

    [Theory]
    [InlineData("cp")]
    [InlineData("export")]
    [InlineData("save")]
    public async Task C02_DeviceOfTheHostAsTheTarget_StaysADevice(string verb)
    {
        engine.Skip();
        string device = $"{engine.Root}/{engine.NewName("null")}";
        await Shell.RunAsync("mknod", [device, "c", "1", "3"]);
        string name = await engine.StayAsync("sleep 1000");
        await engine.BerthAsync(verb switch
        {
            "cp" => ["cp", $"{name}:/attacker", device],
            "export" => ["export", "-o", device, name],
            _ => ["save", "-o", device, AttackEngine.Image],
        });
        Assert.Equal("character special file\n", (await Shell.RunAsync("stat", ["-c", "%F", device])).Output);
        System.IO.File.Delete(device);
        await engine.RemoveAsync(name);
    }

    [Fact]
    public async Task A08_A09_CompressedArchive_RunsNothingOfTheContainer() // CVE-2014-9357, CVE-2026-41567, CVE-2019-14271
    {
        engine.Skip();
        string image = $"{engine.NewName("a08")}:1";
        await engine.ImportAsync(image, tree =>
        {
            foreach (string tool in new[] { "xz", "unxz", "pigz", "unpigz", "gzip", "gunzip", "bzip2", "zstd", "tar" })
            {
                System.IO.File.Delete($"{tree}/bin/{tool}");
                System.IO.File.WriteAllText($"{tree}/bin/{tool}", "#!/bin/sh\necho ran >> /ran\n");
                System.IO.File.SetUnixFileMode($"{tree}/bin/{tool}", (UnixFileMode)0x1ED);
            }
            Directory.CreateDirectory($"{tree}/lib/x86_64-linux-gnu");
            System.IO.File.WriteAllText($"{tree}/lib/x86_64-linux-gnu/libnss_files.so.2", "not a library");
        });
        string name = engine.NewName("stay");
        await engine.DoAsync("run", "-d", "--network", "none", "--name", name, image, "sleep", "1000");
        byte[] plain = Archive(File("file", "content"));
        foreach ((string tool, string option) in new[] { ("gzip", "-c"), ("xz", "-c"), ("bzip2", "-c"), ("zstd", "-c") })
        {
            if (!Path.Exists($"/usr/bin/{tool}") && !Path.Exists($"/bin/{tool}"))
                continue;
            string compressed = $"{engine.Root}/{engine.NewName()}.tar";
            await System.IO.File.WriteAllBytesAsync(compressed, plain);
            await Shell.RunAsync("sh", ["-c", $"{tool} {option} < {compressed} > {compressed}.z"]);
            string answer = await engine.RequestAsync("PUT", $"/containers/{name}/archive?path=/tmp", await System.IO.File.ReadAllBytesAsync($"{compressed}.z"));
            Assert.True(answer.StartsWith("HTTP/1.1 200", StringComparison.Ordinal) || answer.StartsWith("HTTP/1.1 400", StringComparison.Ordinal)
                || answer.StartsWith("HTTP/1.1 404", StringComparison.Ordinal), answer);
            await engine.DoAsync("exec", name, "mkdir", "-p", "/tmp");
        }
        Assert.Equal(1, (await engine.BerthAsync("exec", name, "test", "-e", "/ran")).Code);
        Assert.Equal("content", await engine.DoAsync("exec", name, "cat", "/tmp/file"));
        await engine.RemoveAsync(name);
        await engine.DoAsync("rmi", image);
    }

    internal static byte[] Archive(params TarEntry[] entries)
    {
        using MemoryStream bytes = new();
        using (TarWriter writer = new(bytes, leaveOpen: true))
            foreach (TarEntry entry in entries)
                writer.WriteEntry(entry);
        return bytes.ToArray();
    }

    internal static TarEntry File(string name, string content) => new PaxTarEntry(TarEntryType.RegularFile, name)
    {
        DataStream = new MemoryStream(Encoding.UTF8.GetBytes(content)), Mode = (UnixFileMode)0x1B6,
    };

    private static string Link(string kind, string outside) => kind == "absolute" ? outside : "../../../../../../../.." + outside;
}
