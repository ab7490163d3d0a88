using System.Text.RegularExpressions;
using Berth.EndToEnd.Tests.Robustness;

namespace Berth.EndToEnd.Tests;

/// <summary>The same templates and mistakes by docker 28 and by our command line, at one engine: what they print is the same.</summary>
public sealed class FormatComparisonTests
{
    private const string Newer = "/usr/local/bin/docker";

    /// <summary>One command a line; words with spaces stand in single quotes.</summary>
    private const string Commands = """
        ps -a --format 'table {{upper .Names}}\t{{truncate .ID 4}}\t{{lower .Image}}\t{{title .State}}'
        ps -a --format '{{.Names}} {{.Image}} {{.Command}} {{.CreatedAt}} {{.Ports}} {{.State}} {{.Labels}} {{.Label "l"}}'
        ps -a --format '{{.Mounts}} {{.LocalVolumes}} {{.Networks}} {{.Size}}'
        ps -a --no-trunc --format '{{json .Names}} {{split .Image ":"}} {{pad .State 1 2}} {{len .Names}}'
        ps -a --filter publish=80 --filter expose=80/tcp
        ps --filter status=nope
        ps --filter foo=bar
        ps -a --format '{{.Nope}}'
        ps --format '{{'
        images --format '{{.Repository}} {{.Tag}} {{.ID}} {{.Digest}} {{.Size}} {{.Containers}} {{.SharedSize}} {{.UniqueSize}}'
        images --filter nope=1
        network ls --format '{{.ID}} {{.Name}} {{.Driver}} {{.Scope}} {{.IPv4}} {{.IPv6}} {{.Internal}} {{.Labels}} {{.Label "a"}}'
        volume ls --format '{{.Name}} {{.Driver}} {{.Scope}} {{.Mountpoint}} {{.Labels}} {{.Label "a"}} {{.Links}} {{.Size}}'
        system df --format 'table {{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}'
        system df -v --format '{{range .Containers}}{{.ID}} {{.Names}} {{.Size}} {{.Command}}{{println}}{{end}}'
        system df -v --format '{{range .Images}}{{.ID}} {{.Size}} {{.SharedSize}} {{.UniqueSize}} {{.Containers}}{{println}}{{end}}'
        history bb --format '{{.ID}} {{.CreatedBy}} {{.Size}} {{.Comment}}'
        inspect -f '{{range .Mounts}}{{.Type}}|{{.Name}}|{{.Driver}}|{{.Destination}}|{{.RW}}|{{.Propagation}}{{println}}{{end}}' web
        inspect -f '{{.State.Health.Status}}' web
        inspect -f '{{if .State.Health}}yes{{else}}no{{end}} {{.State.Health}}' web
        inspect -f '{{.Config.StopSignal}}|{{.Config.StopTimeout}}|{{.HostConfig.Init}}|{{.HostConfig.Sysctls}}|{{.Config.MacAddress}}' web
        inspect -f '{{.HostConfig.Mounts}}|{{.HostConfig.StorageOpt}}|{{.HostConfig.KernelMemory}}|{{.Config.NetworkDisabled}}' web
        inspect -f '{{.NetworkSettings.Networks.net.IPAMConfig}}|{{.NetworkSettings.Networks.net.DriverOpts}}' web
        inspect -f '{{.Nope}}' web
        inspect -f '{{index .Config.Labels "foo"}}|{{.Config.Labels.foo}}|{{.NetworkSettings.Networks.nosuch}}' web
        inspect -f '{{.Name}}' nosuch
        inspect -f '{{define "a"}}<{{.}}>{{end}}{{template "a" .Name}}{{block "b" .State}}{{.Status}}{{end}}' web
        image inspect -f '{{.Config.User}}|{{.Config.WorkingDir}}|{{index .Config.Labels "foo"}}' bb
        images --format '{{.Nope}}'
        system df -v --format '{{.Nope}}'
        history -H=false --format '{{.CreatedSince}}' bb
        events --until 0s --format '{{.Nope}}'
        events --since 10m --until 0s --filter type=volume --format '{{.Actor.Attributes.nope}}|{{.Actor.Attributes.driver}}'
        network inspect -f '{{range .IPAM.Config}}{{.Subnet}}|{{.Gateway}}|{{.IPRange}}{{end}}' net
        volume inspect -f '{{.Driver}} {{.Labels}} {{.Options}} {{.Status}}' vol
        image inspect -f '{{.RepoTags}} {{.Parent}}|{{.Comment}}|{{.Author}}|{{.Variant}}|{{.RootFS.Type}}' bb
        run --rm --network-alias x bb true
        run --rm --network container:web bb true
        run --rm --volumes-from nothing bb true
        start -a nothing
        """;

    [Fact]
    public async Task Output_OfBoth_IsTheSame()
    {
        Assert.SkipUnless(File.Exists(Newer), $"{Newer} is not installed: ./dev setup");
        await using OwnDaemon daemon = await OwnDaemon.StartAsync();
        await Program.RunAsync(Newer, ["network", "create", "--label", "a=b", "net"], daemon.Address);
        await Program.RunAsync(Newer, ["volume", "create", "--label", "a=b", "vol"], daemon.Address);
        await Program.RunAsync(Newer, ["create", "--name", "web", "--network", "net", "-v", "vol:/data", "-v", "/tmp:/host:ro",
            "--label", "l=1", "bb", "busybox", "sleep", "100000"], daemon.Address);
        List<string> different = [];
        foreach (string line in Commands.Split('\n'))
        {
            string[] words = [.. Words(line)];
            Completed theirs = await Program.RunAsync(Newer, words, daemon.Address);
            Completed ours = await Program.RunAsync(EngineFixture.Berth, words, daemon.Address);
            string expected = Text(theirs), actual = Text(ours);
            if (expected != actual)
                different.Add($"{line}\n--- docker\n{expected}\n--- berth\n{actual}");
        }
        Assert.True(different.Count == 0, string.Join("\n\n", different));
    }

    private static string Text(Completed done) =>
        $"{done.Code}\n{done.Output}\n{done.Errors}".Replace("docker", "berth", StringComparison.Ordinal);

    private static IEnumerable<string> Words(string line) =>
        Regex.Matches(line, "'(?<w>[^']*)'|(?<w>\\S+)").Select(static match => match.Groups["w"].Value);
}
