using System.Text.Json.Nodes;

namespace Berth.Cli.Tests;

/// <summary>The same command line through Docker's client and ours against the same recording engine: the same body, or the same refusal.</summary>
public sealed class CreateBodyComparisonTests
{
    // One command line each, behind "create".
    private const string Cases = """
        img
        -it img sh -c "a b"
        -e A=1 -e FOO -e NOPE img
        -p 80 img
        -p 8080:80 img
        -p 127.0.0.1:8080:80/udp img
        -p 8000-8002:80-82 img
        -p 9000-9010:80 img
        -p [::1]:80:80 img
        -p published=80,target=81,protocol=udp img
        -P --expose 90-92/udp --expose 99 img
        -v /a:/b img
        -v /b img
        -v vol:/x:ro -v ./rel:/y img
        --mount type=bind,source=/a,target=/b,readonly img
        --mount type=volume,src=v,dst=/d,volume-nocopy,volume-opt=a=b,volume-label=x=y,volume-driver=local img
        --mount type=tmpfs,target=/t,tmpfs-size=64m,tmpfs-mode=1770 img
        --mount type=bind,src=/a,dst=/b,bind-propagation=rshared,bind-recursive=disabled img
        --mount type=image,src=i,dst=/b,image-subpath=x img
        --mount target=/b img
        --mount "" img
        --tmpfs /run:rw,size=64m --tmpfs /x img
        -m 64m --memory-swap -1 --memory-reservation 32m --memory-swappiness 10 img
        --cpus 1.5 --cpu-shares 100 --cpuset-cpus 0-1 --cpu-quota 5000 --cpu-period 10000 img
        --pids-limit 100 --oom-kill-disable --oom-score-adj 500 img
        --ulimit nofile=100:200 --ulimit core=-1 img
        --device /dev/null --device /dev/zero:/dev/z:r --device /dev/full:rw img
        --device vendor.com/class=dev img
        --gpus all img
        --gpus 2 img
        --gpus "\"device=0,1\",capabilities=utility" img
        --health-cmd "curl x" --health-interval 5s --health-retries 3 --health-start-period 1m --health-start-interval 2s --health-timeout 500ms img
        --no-healthcheck img
        --no-healthcheck --health-cmd x img
        --network host img
        --network none img
        --network mynet --network-alias a --ip 10.0.0.5 img
        --network name=n1,alias=x,ip=10.1.0.2,driver-opt=a=b,gw-priority=3 --network n2 img
        --network bridge --mac-address 92:d0:c6:0a:29:33 img
        --network container:abc img
        --add-host a:1.2.3.4 --add-host b=host-gateway --add-host c:[::1] img
        --dns 1.1.1.1 --dns-search x --dns-option ndots:2 img
        --cap-add NET_ADMIN --cap-drop ALL img
        --security-opt no-new-privileges --security-opt seccomp=unconfined --security-opt label=disable img
        --security-opt systempaths=unconfined img
        --security-opt bad img
        --restart on-failure:3 img
        --restart always --rm img
        --log-driver json-file --log-opt max-size=10m img
        --log-driver none --log-opt a=b img
        --entrypoint "" img
        --entrypoint /x img a b
        --stop-signal TERM --stop-timeout 5 img
        --user 1:2 --group-add 3 -w /x -h host --domainname d img
        --privileged --read-only --init --userns host --uts host --pid host --ipc host --cgroupns private img
        --volumes-from a:ro --volume-driver local img
        --sysctl net.a=1 --storage-opt size=1G --annotation x=y --runtime runc img
        --shm-size 128m --cgroup-parent /x img
        --blkio-weight 100 --blkio-weight-device /dev/sda:200 --device-read-bps /dev/sda:1mb --device-write-iops /dev/sda:10 img
        --device-cgroup-rule "c 1:3 r" img
        --link a:b img
        --network n --link a:b img
        --platform linux/amd64 --name nn img
        -a stdout -i img
        -a foo img
        --ulimit bad=1 img
        --ulimit nofile=3:1 img
        -p 99999:1 img
        -p a:1 img
        --mount type=bind,foo=1,target=/x img
        --add-host bad img
        --add-host foo:1.2.3 img
        --add-host foo:010.0.0.1 img
        --add-host foo:fe80::1%lo img
        --add-host foo:::ffff:1.2.3.4 img
        --dns 1.2.3 img
        --dns 010.1.1.1 img
        --dns 16843009 img
        --dns ::ffff:1.2.3.4 img
        -p 1.2.3:80:80 img
        -p 01.2.3.4:80:80 img
        -p [::1%lo]:80:80 img
        --dns 2001:0DB8::0:1 img
        --memory xx img
        --mac-address zz img
        """;

    public static TheoryData<string> Lines() => new(Cases.Split('\n').Select(static l => l.Trim()).Where(static l => l.Length > 0));

    [Theory(Timeout = 60_000)]
    [MemberData(nameof(Lines))]
    public async Task Create_SameArguments_SendsWhatDockerSends(string line)
    {
        DockerClient.Require();
        await using RecordingEngine engine = new(static (_, _) => (409, """{"message":"recorded"}"""));
        string[] arguments = ["-H", engine.Host, "create", .. DockerClient.Words(line)];
        ClientResult theirs = await DockerClient.RunTheirsAsync(arguments, TestContext.Current.CancellationToken);
        IReadOnlyList<(string Request, string Body)> theirRequests = engine.TakeRequests();
        ClientResult ours = await DockerClient.RunOursAsync(arguments, TestContext.Current.CancellationToken);
        IReadOnlyList<(string Request, string Body)> ourRequests = engine.TakeRequests();

        Assert.Equal(theirRequests.Select(static r => r.Request), ourRequests.Select(static r => r.Request));
        Assert.Equal(theirRequests.Select(static r => Normal(r.Body)), ourRequests.Select(static r => Normal(r.Body)));
        Assert.Equal(theirs.Error.Split('\n')[0].Replace("docker", "berth", StringComparison.Ordinal), ours.Error.Split('\n')[0]);
        Assert.Equal(theirs.Code, ours.Code);
    }

    private static string Normal(string body) => body.Length == 0 ? "" : Prune(JsonNode.Parse(body))?.ToJsonString() ?? "";

    // Absent, null, false, zero and empty mean the same to the engine; the order of members, binds and variables means nothing.
    private static JsonNode? Prune(JsonNode? node)
    {
        switch (node)
        {
            case JsonObject map:
                JsonObject kept = [];
                foreach ((string key, JsonNode? value) in map.OrderBy(static p => p.Key, StringComparer.Ordinal))
                {
                    JsonNode? pruned = Prune(value);
                    if (pruned is JsonArray array && key is "Binds" or "Env")
                        pruned = Sorted(array);
                    if (pruned is not null)
                        kept[key] = pruned;
                }
                return kept.Count > 0 ? kept : null;
            case JsonArray list:
                return list.Count == 0 ? null : new JsonArray([.. list.Select(static i => Prune(i?.DeepClone()))]);
            case JsonValue value when value.ToJsonString() is "null" or "false" or "0" or "\"\"":
                return null;
            default:
                return node?.DeepClone();
        }
    }

    private static JsonArray Sorted(JsonArray binds) =>
        new([.. binds.Select(static b => b!.GetValue<string>()).Order(StringComparer.Ordinal).Select(static b => (JsonNode)b)]);
}
