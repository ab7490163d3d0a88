using System.Text.RegularExpressions;

namespace Berth.Cli.Tests;

/// <summary>The same command line through Docker's client and ours against the same recorded engine: the same text and the same code.</summary>
public sealed partial class OutputComparisonTests
{
    // Words are parted by blanks; quotes keep them together.
    private const string Lines = """
        ps
        ps -a --no-trunc
        ps -q
        ps -aq --no-trunc
        ps -s
        ps --format "{{.ID}} {{.Names}} {{.Ports}}"
        ps --format "table {{.Names}}\t{{.Status}}\t{{.Mounts}}"
        ps --format "table {{.ID}}\t{{.Labels}}\t{{.Label \"a\"}}\t{{.Networks}}\t{{.LocalVolumes}}\t{{.State}}\t{{.RunningFor}}\t{{.CreatedAt}}"
        ps --format "{{json .}}"
        ps --format json
        ps --format "{{.Foo}}"
        ps --format "{{.ID"
        ps --format "{{upper .Names}} {{join (split .Names \",\") \"+\"}}"
        ps --format pretty
        ps --last x
        ps -aq --format json
        ps -q --format {{.Names}}
        ps --format raw
        ps -s --format raw
        ps --filter name
        ps -a --format "{{json .}}" --no-trunc
        images --format raw
        images --digests --format raw
        images -q --format raw
        network ls --format raw
        network ls -q --format raw
        volume ls --format raw
        volume ls -q --format raw
        volume ls --cluster
        volume update data
        inspect -f json web
        inspect -f json web nope
        inspect -f json nope
        volume inspect -f json data
        volume inspect -f "{{.Name}} {{.Labels}} {{.Options}}" data
        inspect -f "{{.HostConfig.CapAdd}} {{.HostConfig.CapDrop}} {{.HostConfig.LogConfig}} {{.HostConfig.RestartPolicy}} {{.HostConfig.Binds}}" web
        inspect -f "{{.Config.Volumes}} {{.Config.OnBuild}} {{.Config.Entrypoint}} {{.ExecIDs}} {{.HostConfig.PortBindings}}" web
        inspect -f "{{.Mounts}}" web
        inspect -f "{{.NetworkSettings.Ports}}" web
        inspect -f "{{.State}}" web
        inspect -f "{{index .Config.Labels \"nolabel\"}}|{{.Config.Labels.nolabel}}" web
        inspect -f "{{.NetworkSettings.Networks.nosuch}}" web
        inspect -f "{{.NetworkSettings.Networks.nosuch.IPAddress}}" web
        inspect -f "{{index .NetworkSettings.Ports \"99/tcp\"}}|{{index .Config.ExposedPorts \"80/tcp\"}}|{{index .Config.Volumes \"/x\"}}" web
        inspect -f "{{(index (index .NetworkSettings.Ports \"99/tcp\") 0).HostPort}}" web
        inspect -f "{{index .HostConfig.Sysctls \"a\"}}|{{index .HostConfig.LogConfig.Config \"x\"}}|{{.HostConfig.LogConfig.Config}}" web
        inspect -f "{{index .Config.Volumes \"/x\"}}|{{len .Config.ExposedPorts}}{{if .NetworkSettings.Ports}}p{{end}}" web
        inspect -f "{{index .NetworkSettings.Ports \"99/tcp\"}}" web
        inspect -f "{{.NetworkSettings.Ports.x}}" web
        inspect -f "{{with .Config.Labels}}{{index . \"x\"}}|{{.maintainer}}{{end}}{{$l := .Config.Labels}}{{index $l \"y\"}}" web
        inspect -f "{{range $k, $v := .Config.Labels}}{{$k}}={{$v}} {{end}}{{len .Config.Labels}} {{json .Config.Labels}} {{json .Config.Volumes}}" web
        inspect -f "{{if .Config.Labels}}yes{{end}}{{if .HostConfig.Sysctls}}no{{end}}{{if not .Config.Labels.x}}none{{end}}" web
        inspect -f "{{.Name}}" nope
        inspect -f "{{.Name}}" web nope
        inspect -f "{{.Nope}}" web web
        inspect -f "{{.Name.Nope}}" web
        inspect -f "{{index .Config.Env 9}}" web
        inspect -f "{{define \"x\"}}<{{.Name}}>{{end}}{{template \"x\" .}}{{block \"y\" .State}}{{.Status}}{{end}}" web
        image inspect -f "{{.Config.User}}|{{.Config.WorkingDir}}|{{.Config.StopSignal}}|{{.Config.Labels.x}}|{{index .Config.Labels \"x\"}}" nginx
        image inspect -f "{{.Config.Volumes}}|{{.Config.Entrypoint}}|{{.GraphDriver.Data}}|{{index .GraphDriver.Data \"x\"}}|{{.Config.Nope}}" nginx
        images --format "{{.Nope}}"
        images --format "{{"
        images --format "table {{.Nope}}"
        images --format "{{index .Repository \"x\"}}"
        images --format "{{len .Size 1}}"
        images --format "{{define \"x\"}}<{{.}}>{{end}}{{template \"x\" .ID}}{{template \"x\"}}"
        images --format "{{block \"x\" .ID}}<{{.}}>{{end}}"
        images --format "{{template \"x\"}}"
        images --format "{{define \"x\"}}{{.Nope}}{{end}}{{template \"x\" .}}"
        images --format "{{if true}}{{define \"x\"}}{{end}}{{end}}"
        images --format "{{define \"x\"}}"
        images --format "{{define x}}{{end}}"
        images --format "{{define \"x\"}}a{{end}}{{define \"x\"}}b{{end}}{{template \"x\"}}"
        network ls --format "{{.Nope}}"
        volume ls --format "{{.Nope}}"
        system df --format "{{.Nope}}"
        system df -v --format "{{.Nope}}"
        system df -v --format "{{range .Images}}{{.Nope}}{{end}}"
        system df -v --format "{{"
        context ls --format "{{.Nope}}"
        history --format "{{.Nope}}" nginx
        history --human=false --format "{{.CreatedSince}}|{{.CreatedAt}}|{{.Size}}" nginx
        image inspect --platform bogus nginx
        logs --since bogus web
        events --since bogus
        events --until 0s --format "{{.Nope}}"
        events --until 0s --format "{{.Actor.Nope}}"
        events --until 0s --format "{{.Time.Unix}}"
        events --until 0s --format "{{slice .ID 0 2}}"
        events --until 0s --format "{{.Actor.Attributes.nope}}|{{index .Actor.Attributes \"nope\"}}|{{upper (index .Actor.Attributes \"name\")}}"
        events --until 0s --format "{{.Actor.Attributes}} {{len .Actor.Attributes}} {{json .Actor.Attributes}} {{.Status}} {{.From}} {{.Time}}"
        events --until 0s --format "{{range $k, $v := .Actor.Attributes}}{{$k}}={{$v}};{{end}}"
        start nope
        rename nope x
        nosuch
        container
        run -d --attach stdout nginx
        run --device bogus nginx
        run --gpus bogus=1 nginx
        run --pid bogus nginx
        run --uts bogus nginx
        run --userns bogus nginx
        run --cgroupns bogus nginx
        run --memory-swappiness 200 nginx
        run --dns bogus nginx
        run --expose bogus nginx
        run --platform bogus nginx
        save -o /nonexistent/x nginx
        export -o /nonexistent/x web
        logout nowhere.example
        -c nope ps
        context update default
        ps extra
        images
        images -q --no-trunc
        images --digests
        images --no-trunc
        images --format "{{.Repository}}:{{.Tag}} {{.ID}} {{.Size}} {{.CreatedSince}}"
        images --format "{{json .}}"
        images --format "table {{.Digest}}\t{{.CreatedAt}}"
        images --tree=false
        images --tree
        images --tree -a
        images --tree -f dangling=true
        images --tree -q
        images --tree --digests
        images --tree --no-trunc
        images --tree --format json
        run Bad:Ref:x true
        run "a b" true
        create localhost:5/Ab@sha256:12
        pull Bad:X:y
        tag nginx A:b:c
        history nginx
        history --no-trunc --human=false nginx
        history -q nginx
        history --format "{{.ID}}|{{.CreatedBy}}|{{.Size}}|{{.Comment}}" nginx
        network ls
        network ls -q
        network ls --no-trunc --format "{{.ID}} {{.Name}} {{.Driver}} {{.Scope}} {{.IPv6}} {{.Internal}} {{.Labels}} {{.CreatedAt}}"
        network ls --format json
        volume ls
        volume ls -q
        volume ls --format "table {{.Name}}\t{{.Driver}}\t{{.Scope}}\t{{.Mountpoint}}\t{{.Labels}}"
        volume ls --format "{{json .}}"
        volume inspect data
        volume inspect -f "{{.Mountpoint}} {{.Labels.a}}" data
        volume inspect nope
        inspect -f "{{.Id}} {{.Name}} {{.State.Status}} {{.State.Pid}}" web
        inspect -f "{{json .Config.Env}} {{json .HostConfig.RestartPolicy}}" web
        inspect -f "{{range .Config.Env}}{{println .}}{{end}}" web
        inspect -f "{{range $k, $v := .NetworkSettings.Ports}}{{$k}}={{if $v}}{{(index $v 0).HostPort}}{{else}}-{{end}};{{end}}" web
        inspect -f "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}" web
        inspect -f "{{index .Config.Labels \"com.example.a\"}} {{index .Config.Env 1}}" web
        inspect -f "{{.Config.Labels}} {{.Config.Cmd}} {{.Config.ExposedPorts}}" web
        inspect -f "{{if and .State.Running (not .State.Paused)}}up{{else}}down{{end}} {{len .Mounts}}" web
        inspect -f "{{with index .Mounts 0}}{{.Source}}:{{.Destination}}:{{.RW}}{{end}}" web
        inspect -f "{{printf \"%-20s|%5d|%v\" .Name .State.Pid .HostConfig.Memory}}" web
        inspect -f "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.Created}}" web
        inspect -f "{{(index (index .NetworkSettings.Ports \"80/tcp\") 0).HostPort}}" web
        inspect -f "{{join .Config.Env \" \"}} {{title .Driver}} {{lower .Config.StopSignal}} {{slice .ID 0 12}}" web
        inspect -f "{{range $i, $e := .Args}}{{if $i}},{{end}}{{$e}}{{end}} {{.Name | printf \"%q\"}}" web
        inspect -f "{{eq .State.Status \"running\" \"paused\"}} {{ne .State.ExitCode 0}} {{lt .State.ExitCode 5}} {{or .State.Error \"none\"}}" web
        inspect -f "{{.Config.Nope}}" web
        inspect -f "{{.State.Nope.More}}" web
        inspect -f "{{nope}}" web
        inspect -f "{{.Name" web
        inspect nope
        top web
        diff web
        port web
        port web 80
        port web 80/tcp
        port web 443
        port web 99
        wait web
        start web
        stop web nope
        kill web
        rm busy
        rmi nginx
        rename web
        container prune -f
        volume prune -f
        network prune -f
        image prune -f
        system df
        system df -v
        system df --format "{{.Type}} {{.TotalCount}} {{.Active}} {{.Size}} {{.Reclaimable}}"
        system df --format json
        version --format "{{.Server.Version}} {{.Server.Os}}/{{.Server.Arch}} {{.Server.MinAPIVersion}}"
        version --format "{{json .Server.Components}}"
        logs nope
        exec nope ls
        cp nope:/x /tmp
        tag a
        tag A b
        pull A
        run
        """;

    public static TheoryData<string> All() => new(Lines.Split('\n').Select(static l => l.Trim()).Where(static l => l.Length > 0));

    [Theory(Timeout = 60_000)]
    [MemberData(nameof(All))]
    public async Task Command_AgainstTheSameAnswers_PrintsWhatDockerPrints(string line)
    {
        DockerClient.Require();
        await using RecordingEngine engine = new(RecordedAnswers.Answer);
        string[] arguments = ["-H", engine.Host, .. DockerClient.Words(line.Replace("\\t", "\\\\t", StringComparison.Ordinal))];
        ClientResult theirs = await DockerClient.RunTheirsAsync(arguments, TestContext.Current.CancellationToken);
        ClientResult ours = await DockerClient.RunOursAsync(arguments, TestContext.Current.CancellationToken);
        Assert.Equal(Ours(theirs.Error), ours.Error);
        Assert.Equal(Ours(theirs.Output), ours.Output);
        Assert.Equal(theirs.Code, ours.Code);
    }

    // The program's own name is all that may differ, and that Docker's client writes escape sequences where there is no terminal, too.
    private static string Ours(string text) => Sequence().Replace(text, "").Replace("docker ", "berth ", StringComparison.Ordinal)
        .Replace("docker:", "berth:", StringComparison.Ordinal).Replace("'docker", "'berth", StringComparison.Ordinal);

    [GeneratedRegex("\\e\\[[0-9;]*m")]
    private static partial Regex Sequence();
}
