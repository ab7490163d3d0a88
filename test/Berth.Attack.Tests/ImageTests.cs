using System.Text;
using System.Text.Json.Nodes;

namespace Berth.Attack.Tests;

/// <summary>3.1: what an image says and holds, against the engine that starts it.</summary>
public sealed class ImageTests(AttackEngine engine)
{
    [Theory]
    [InlineData("dev", "/proc")]
    [InlineData("dev", "/")]
    [InlineData("proc", "/etc")]
    [InlineData("sys", "/etc")]
    public async Task A10_LinkInPlaceOfKernelFiles_IsRefused(string name, string target) // CVE-2026-41579, CVE-2019-19921
    {
        engine.Skip();
        string image = $"{engine.NewName("a10")}:1";
        await engine.ImportAsync(image, tree => File.CreateSymbolicLink($"{tree}/{name}", target));
        Completed run = await engine.BerthAsync("run", "--rm", "--network", "none", image, "echo", "ran");
        Assert.DoesNotContain("ran\n", run.Output);
        Assert.NotEqual(0, run.Code);
        await engine.DoAsync("rmi", image);
    }

    public static TheoryData<string> Users =>
        ["4294967295", "4294967296", "-1", "2147483648", "99999999999999999999", "0x0", "+0", "nobody\n0", "user\u0000", "root:4294967296", ":-1"];

    [Theory]
    [MemberData(nameof(Users))]
    public async Task A13_UserOfTheImage_IsANumberThatIsMeantOrRefused(string user) // CVE-2024-40635
    {
        engine.Skip();
        string image = await LoadAsync(config => config["User"] = user);
        Completed run = await engine.BerthAsync("run", "--rm", "--network", "none", image, "id", "-u");
        Assert.True(run.Code != 0 && !run.Output.Contains('0'), run.All);
        await engine.DoAsync("rmi", image);
    }

    [Fact]
    public async Task A13_ConfigOfTheImage_NeverSteersTheEngine() // CVE-2026-53488
    {
        engine.Skip();
        string image = await LoadAsync(config =>
        {
            config["Labels"] = new JsonObject
            {
                ["com.docker.volume.anonymous"] = "", ["io.berth.privileged"] = "true", ["berth.host"] = "true", ["a\nb"] = "c\u001b[31m",
                ["com.docker.compose.project"] = "x", ["io.kubernetes.cri-o.userns-mode"] = "host",
            };
            config["Env"] = new JsonArray("A=b\u0000C=d", "NOVALUE", "=x", "BERTH_HOST=unix:///x", "NOTIFY_SOCKET=/run/x", "X=1");
            config["HostConfig"] = new JsonObject { ["Privileged"] = true, ["Binds"] = new JsonArray("/:/host") };
            config["Privileged"] = true;
            config["Hostname"] = "of-the-image";
            config["ExposedPorts"] = new JsonObject { ["70000/tcp"] = new JsonObject(), ["x"] = new JsonObject() };
            config["StopSignal"] = "SIGNOTHING";
        });
        Completed run = await engine.BerthAsync("run", "--rm", "--network", "none", image, "sh", "-c",
            "sed -n 's/^CapEff:.//p' /proc/self/status; ls /host 2>/dev/null; hostname");
        // Refused is as good; what runs has the defaults.
        if (run.Code == 0)
        {
            Assert.StartsWith("00000000a80425fb\n", run.Output);
            Assert.DoesNotContain("of-the-image", run.Output);
        }
        Assert.Equal(0, (await engine.BerthAsync("ps", "-a")).Code);
        await engine.DoAsync("rmi", image);
    }

    [Fact]
    public async Task A13_HugeConfig_IsRefusedOrRunsBounded()
    {
        engine.Skip();
        foreach (int megabytes in new[] { 1, 3, 10 })
        {
            byte[] archive = await ArchiveAsync($"{engine.NewName("huge")}:1",
                config => config["Cmd"] = new JsonArray("echo", new string('x', megabytes << 20)));
            Completed load = await engine.BerthWithInputAsync(archive, "load");
            if (load.Code == 0)
            {
                string image = load.Output.Trim().Split(": ")[1];
                // The kernel's own limit of one argument is 128 KiB.
                Assert.NotEqual(0, (await engine.BerthAsync("run", "--rm", "--network", "none", image)).Code);
                await engine.DoAsync("rmi", image);
            }
            Assert.Equal("well\n", (await engine.RunAsync("echo well")).Output);
        }
    }

    [Fact]
    public async Task A13_HealthcheckOfTheImage_RunsAsTheContainersUser()
    {
        engine.Skip();
        string image = await LoadAsync(config =>
        {
            config["User"] = "1000";
            config["Healthcheck"] = new JsonObject
            {
                ["Test"] = new JsonArray("CMD-SHELL", "id -u > /tmp/health; sed -n 's/^CapEff:.//p' /proc/self/status >> /tmp/health"),
                ["Interval"] = 1000000000L,
            };
        });
        string name = engine.NewName("stay");
        await engine.DoAsync("run", "-d", "--network", "none", "--name", name, "--tmpfs", "/tmp:mode=1777", image, "sleep", "1000");
        await Shell.UntilAsync(
            async () => (await engine.BerthAsync("exec", name, "grep", "-q", "0000", "/tmp/health")).Code == 0, "health was looked at");
        Assert.Equal("1000\n0000000000000000\n", await engine.DoAsync("exec", name, "cat", "/tmp/health"));
        await engine.RemoveAsync(name);
        await engine.DoAsync("rmi", image);
    }

    [Theory]
    [InlineData("/data/../../../../../../../..")]
    [InlineData("/link")]
    [InlineData("/climbing/x")]
    [InlineData("/proc/1/root")]
    [InlineData("relative/../..")]
    public async Task A14_VolumesOfTheImage_AreFilledFromTheImageAlone(string volume) // CVE-2022-23648
    {
        engine.Skip();
        string outside = engine.NewOutside();
        string image = await LoadAsync(config => config["Volumes"] = new JsonObject { [volume] = new JsonObject() }, tree =>
        {
            File.CreateSymbolicLink($"{tree}/link", outside);
            File.CreateSymbolicLink($"{tree}/climbing", "../../../../../.." + Path.GetDirectoryName(outside));
        });
        Completed run = await engine.BerthAsync("run", "--rm", "--network", "none", image, "sh", "-c",
            $"cat {volume}/secret /link/secret /climbing/*/secret {outside}/secret 2>/dev/null; grep -c . /proc/1/root/etc/shadow 2>/dev/null; true");
        Assert.DoesNotContain(AttackEngine.Marker, run.All);
        Assert.DoesNotContain("root:", run.All);
        Assert.Equal(["secret"], Directory.GetFileSystemEntries(outside).Select(Path.GetFileName));
        // By a program that goes by descriptors: a volume of another test, deeper than a path may be long, may just be on its way out.
        Assert.Equal("", (await Shell.RunAsync("grep", ["-rls", "--include=secret", AttackEngine.Marker, $"{engine.DataRoot}/volumes"])).Output);
        await engine.DoAsync("rmi", image);
    }

    [Fact]
    public async Task A15_LinksInASavedArchive_AreNotFollowed() // CVE-2014-9358
    {
        engine.Skip();
        string outside = engine.NewOutside();
        string tree = Directory.CreateDirectory($"{engine.Root}/{engine.NewName("a15")}").FullName;
        byte[] good = await ArchiveAsync($"{engine.NewName("good")}:1", static config => { });
        foreach (string victim in new[] { "manifest.json", "config.json", "layer.tar" })
        {
            string directory = Directory.CreateDirectory($"{tree}/{victim}").FullName;
            await File.WriteAllBytesAsync($"{directory}.good", good);
            await Shell.RunAsync("tar", ["-C", directory, "-xf", $"{directory}.good"]);
            File.Delete($"{directory}/{victim}");
            File.CreateSymbolicLink($"{directory}/{victim}", victim == "manifest.json" ? $"{outside}/secret" : $"../../../../../..{outside}/secret");
            await Shell.RunAsync("tar", ["-C", directory, "-cf", $"{directory}.tar", "."]);
            Completed load = await engine.BerthWithInputAsync(await File.ReadAllBytesAsync($"{directory}.tar"), "load");
            Assert.True(load.Code != 0, load.All);
            Assert.DoesNotContain(AttackEngine.Marker, load.All);
        }
        Directory.Delete(tree, recursive: true);
    }

    [Fact]
    public async Task A16_NativeFileSystemAsALayer_IsNotGivenToTheKernel()
    {
        engine.Skip();
        byte[] image = new byte[1 << 20];
        image.AsSpan().Fill(0x11);
        // EROFS' magic at its place.
        new byte[] { 0xE2, 0xE1, 0xF5, 0xE0 }.CopyTo(image, 1024);
        string path = $"{engine.Root}/{engine.NewName("a16")}";
        await File.WriteAllBytesAsync(path, image);
        Completed import = await engine.BerthAsync("import", path, "erofs:1");
        Assert.NotEqual(0, import.Code);
        Assert.DoesNotContain("erofs", File.ReadAllText($"/proc/{engine.Daemon.Id}/mountinfo"));
    }

    private async Task<string> LoadAsync(Action<JsonObject> change, Action<string>? write = null)
    {
        string name = $"{engine.NewName("image")}:1";
        Completed load = await engine.BerthWithInputAsync(await ArchiveAsync(name, change, write), "load");
        Assert.True(load.Code == 0, load.All);
        return name;
    }

    // A saved archive with one layer, whose configuration is the attacker's.
    private async Task<byte[]> ArchiveAsync(string name, Action<JsonObject> change, Action<string>? write = null)
    {
        string work = Directory.CreateDirectory($"{engine.Root}/{engine.NewName("saved")}").FullName;
        string tree = Directory.CreateDirectory($"{work}/tree/bin").Parent!.FullName;
        File.Copy("/bin/busybox", $"{tree}/bin/busybox");
        foreach (string applet in new[] { "sh", "id", "ls", "sed", "cat", "grep", "hostname", "sleep", "echo", "true" })
            File.CreateSymbolicLink($"{tree}/bin/{applet}", "busybox");
        write?.Invoke(tree);
        await Shell.RunAsync("tar", ["-C", tree, "-cf", $"{work}/layer.tar", "."]);
        string digest = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(await File.ReadAllBytesAsync($"{work}/layer.tar")));
        JsonObject config = new() { ["Cmd"] = new JsonArray("sh") };
        change(config);
        JsonObject image = new()
        {
            ["architecture"] = "amd64", ["os"] = "linux", ["config"] = config,
            ["rootfs"] = new JsonObject { ["type"] = "layers", ["diff_ids"] = new JsonArray($"sha256:{digest}") },
        };
        JsonArray manifest = [new JsonObject { ["Config"] = "config.json", ["RepoTags"] = new JsonArray(name), ["Layers"] = new JsonArray("layer.tar") }];
        await File.WriteAllTextAsync($"{work}/config.json", image.ToJsonString(), new UTF8Encoding(false));
        await File.WriteAllTextAsync($"{work}/manifest.json", manifest.ToJsonString(), new UTF8Encoding(false));
        await Shell.RunAsync("tar", ["-C", work, "-cf", $"{work}/saved.tar", "manifest.json", "config.json", "layer.tar"]);
        byte[] archive = await File.ReadAllBytesAsync($"{work}/saved.tar");
        Directory.Delete(work, recursive: true);
        return archive;
    }
}
