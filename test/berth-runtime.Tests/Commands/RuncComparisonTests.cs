using System.Text.RegularExpressions;
using Berth.Oci.Runtime;

namespace Berth.RuntimeProgram.Tests.Commands;

/// <summary>The same words to runc and to us, about containers in the same states: callers look at the exit code and the text.</summary>
public sealed partial class RuncComparisonTests(RuncComparisonTests.Pairs pairs) : IClassFixture<RuncComparisonTests.Pairs>
{
    /// <summary>A created, a running, a stopped and a paused container of each, and one paused before it was started.</summary>
    public sealed class Pairs : IAsyncLifetime
    {
        private readonly BundleFixture _ours = new(), _runc = new();

        public string? Missing { get; } = Command.Missing ?? (Command.IsInstalled("runc") ? null : "runc is not installed");

        public async ValueTask InitializeAsync()
        {
            if (Missing is not null)
                return;
            foreach ((BundleFixture fixture, string program) in new[] { (_ours, Command.Runtime), (_runc, "runc") })
            {
                await fixture.InitializeAsync();
                foreach (string id in new[] { "created", "running", "stopped", "paused", "held" })
                {
                    RuntimeSpec spec = fixture.Spec(id, "/bin/sleep", "1000") with { OciVersion = "1.0.2" };
                    string bundle = await fixture.BundleAsync(id, spec);
                    await Command.NeedAsync("/bin/sh",
                        ["-c", $"cd {bundle} && exec {program} --root {fixture.Root} create {id} </dev/null >out 2>&1"]);
                    if (id is not ("created" or "held"))
                        await Command.NeedAsync(program, ["--root", fixture.Root, "start", id]);
                }
                await Command.NeedAsync(program, ["--root", fixture.Root, "kill", "stopped", "KILL"]);
                await Command.NeedAsync(program, ["--root", fixture.Root, "pause", "paused"]);
                await Command.NeedAsync(program, ["--root", fixture.Root, "pause", "held"]);
                await Command.UntilAsync("it is stopped", async () =>
                    (await Command.NeedAsync(program, ["--root", fixture.Root, "state", "stopped"])).Contains("\"stopped\""));
            }
        }

        /// <summary>What each answers.</summary>
        public async Task<(Completed Ours, Completed Runc)> RunAsync(string words)
        {
            string[] arguments = words.Split(' ');
            return (await _ours.RunAsync(arguments), await Command.RunAsync("runc", ["--root", _runc.Root, .. arguments]));
        }

        public async ValueTask DisposeAsync()
        {
            if (Missing is not null)
                return;
            foreach (string id in new[] { "created", "running", "stopped", "paused", "held" })
                await Command.RunAsync("runc", ["--root", _runc.Root, "delete", "--force", id]);
            await _runc.DisposeAsync();
            await _ours.DisposeAsync();
        }
    }

    [Theory]
    [InlineData("state nope")]
    [InlineData("start nope")]
    [InlineData("kill nope")]
    [InlineData("delete nope")]
    [InlineData("delete -f nope")]
    [InlineData("pause nope")]
    [InlineData("resume nope")]
    [InlineData("ps nope")]
    [InlineData("events --stats nope")]
    [InlineData("exec nope true")]
    [InlineData("update --memory 10m nope")]
    [InlineData("--log-format json state nope")]
    [InlineData("--log-format bad list")]
    [InlineData("start running")]
    [InlineData("start stopped")]
    [InlineData("start paused")]
    [InlineData("start held")]
    [InlineData("pause held")]
    [InlineData("delete held")]
    [InlineData("exec stopped true")]
    [InlineData("exec paused true")]
    [InlineData("exec running")]
    [InlineData("exec running nope")]
    [InlineData("exec --cwd /nope running true")]
    [InlineData("exec running false")]
    [InlineData("exec -u 5:6 running id")]
    [InlineData("kill stopped")]
    [InlineData("kill -a stopped")]
    [InlineData("kill running BAD")]
    [InlineData("kill running 0")]
    [InlineData("pause stopped")]
    [InlineData("pause paused")]
    [InlineData("resume running")]
    [InlineData("ps -f bad running")]
    [InlineData("delete running")]
    [InlineData("delete paused")]
    [InlineData("events --stats stopped")]
    [InlineData("events --interval 0s running")]
    [InlineData("update --memory xx running")]
    [InlineData("update --pids-limit 50 running")]
    [InlineData("update --memory 10m stopped")]
    [InlineData("update --kernel-memory 10m --kernel-memory-tcp 20m running")]
    [InlineData("update --kernel-memory xx running")]
    [InlineData("update --l3-cache-schema L3:0=f running")]
    [InlineData("update --mem-bw-schema MB:0=20 running")]
    [InlineData("update --mem-bw-schema MB:0=20 nope")]
    [InlineData("update --blkio-weight 0 --pids-limit 0 running")]
    [InlineData("exec --cgroup a:b:c running true")]
    [InlineData("exec --cgroup a --cgroup b running true")]
    [InlineData("exec --cgroup nope:/ running true")]
    [InlineData("exec --cgroup ../../nope running true")]
    [InlineData("exec --cgroup memory:../../nope running true")]
    [InlineData("exec --cgroup / running true")]
    [InlineData("exec --cgroup memory:/ running true")]
    [InlineData("--criu /nope state nope")]
    [InlineData("nothing")]
    [InlineData("state --nothing x")]
    public async Task Words_AreAnsweredAlike(string words)
    {
        Assert.SkipUnless(pairs.Missing is null, pairs.Missing ?? "");
        (Completed ours, Completed runc) = await pairs.RunAsync(words);
        Assert.Equal(runc.Code, ours.Code);
        Assert.Equal(Plain(runc.Errors), Plain(ours.Errors));
        if (runc.Code == 0)
            Assert.Equal(runc.Output.Trim(), ours.Output.Trim());
    }

    // One line each, without the time.
    private static string Plain(string errors) => Time().Replace(errors, "").Replace("\\n\"", "\"").Trim();

    [GeneratedRegex("time=\"[^\"]*\" |,\"time\":\"[^\"]*\"")]
    private static partial Regex Time();

    [Theory]
    [InlineData("exec -p /nope running", 255, "exec failed: open /nope: no such file or directory")]
    [InlineData("update -r /nope running", 1, "open /nope: no such file or directory")]
    [InlineData("update -r /etc running", 1, "open /etc: is a directory")]
    [InlineData("spec -b /nope", 1, "open /nope/config.json: no such file or directory")]
    [InlineData("--log /nope/log state nope", 1, "open /nope/log: no such file or directory")]
    [InlineData("ps running -o nope", 1, "exit status 1")]
    public async Task Files_ThatAreNotThere_AreNamed(string words, int code, string text)
    {
        Assert.SkipUnless(pairs.Missing is null, pairs.Missing ?? "");
        Completed ours = (await pairs.RunAsync(words)).Ours;
        Assert.Equal(code, ours.Code);
        Assert.Contains(text, ours.Errors);
    }
}

/// <summary>A cgroup that is somebody's: what lives in it would be killed with ours.</summary>
public sealed class UsedCgroupTests(BundleFixture bundles) : IClassFixture<BundleFixture>
{
    [Fact]
    public async Task Cgroup_ThatIsInUseOrFrozen_IsRefused_AndWhatLivesThereGoesOn()
    {
        Assert.SkipUnless(Command.Missing is null, Command.Missing ?? "");
        (string first, _) = await bundles.CreateAsync("sleep 1000");
        await bundles.RunAsync("start", first);
        string id = bundles.NewId();
        RuntimeSpec spec = bundles.Spec(id, "/bin/true");
        string bundle = await bundles.BundleAsync(id, spec with { Linux = spec.Linux! with { CgroupsPath = $"{bundles.Cgroup}/{first}" } });
        Completed used = await bundles.RunAsync("run", "--bundle", bundle, id);
        Assert.Equal(1, used.Code);
        Assert.Contains("container's cgroup is not empty: 1 process(es) found", used.Errors);
        await bundles.RunAsync("pause", first);
        Completed frozen = await bundles.RunAsync("run", "--bundle", bundle, id);
        Assert.Equal(1, frozen.Code);
        Assert.Contains("container's cgroup unexpectedly frozen", frozen.Errors);
        await bundles.RunAsync("resume", first);
        Assert.Equal("running", await bundles.StatusAsync(first));
        Assert.DoesNotContain(id, (await bundles.RunAsync("list", "-q")).Output.Split('\n'));
    }
}
