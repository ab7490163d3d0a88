namespace Berth.Cli.Tests;

/// <summary>Answers of an engine, in the shapes that Docker's daemon gives, with the corners that columns and templates meet.</summary>
internal static class RecordedAnswers
{
    private const string Container = """
        {"Id":"4fa6e0f0c6786287e131c3852c58a2e01cc697a68231826813597e4994f1d6e2","Created":"2020-01-02T03:04:05.678901234Z","Path":"/docker-entrypoint.sh",
         "Args":["nginx","-g","daemon off;"],"State":{"Status":"running","Running":true,"Paused":false,"Restarting":false,"OOMKilled":false,"Dead":false,
         "Pid":4242,"ExitCode":0,"Error":"","StartedAt":"2020-01-02T03:04:06Z","FinishedAt":"0001-01-01T00:00:00Z"},
         "Image":"sha256:aaaabbbbccccddddeeeeffff0000111122223333444455556666777788889999","ResolvConfPath":"/r","HostnamePath":"/h","HostsPath":"/o","LogPath":"/l",
         "Name":"/web","RestartCount":0,"Driver":"overlay2","Platform":"linux","MountLabel":"","ProcessLabel":"","AppArmorProfile":"","ExecIDs":null,
         "HostConfig":{"Binds":["/srv:/usr/share/nginx/html:ro"],"ContainerIDFile":"","LogConfig":{"Type":"json-file","Config":{"max-size":"10m"}},"NetworkMode":"bridge",
         "PortBindings":{"80/tcp":[{"HostIp":"","HostPort":"8080"}]},"RestartPolicy":{"Name":"on-failure","MaximumRetryCount":3},"AutoRemove":false,"Memory":67108864,
         "NanoCpus":1500000000,"Privileged":false,"CapAdd":["NET_ADMIN"],"Ulimits":[{"Name":"nofile","Hard":200,"Soft":100}]},
         "Mounts":[{"Type":"bind","Source":"/srv","Destination":"/usr/share/nginx/html","Mode":"ro","RW":false,"Propagation":"rprivate"}],
         "Config":{"Hostname":"4fa6e0f0c678","Domainname":"","User":"","AttachStdin":false,"AttachStdout":true,"AttachStderr":true,"ExposedPorts":{"80/tcp":{}},
         "Tty":false,"OpenStdin":false,"StdinOnce":false,"Env":["PATH=/usr/bin:/bin","A=b=c"],"Cmd":["nginx","-g","daemon off;"],"Image":"nginx:1.25",
         "Volumes":null,"WorkingDir":"","Entrypoint":["/docker-entrypoint.sh"],"OnBuild":null,"Labels":{"maintainer":"NGINX <n@x>","com.example.a":"1"},"StopSignal":"SIGQUIT"},
         "NetworkSettings":{"Bridge":"","SandboxID":"s","SandboxKey":"/k","Ports":{"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8080"},{"HostIp":"::","HostPort":"8080"}],"443/tcp":null},
         "IPAddress":"172.17.0.2","IPPrefixLen":16,"Gateway":"172.17.0.1","MacAddress":"02:42:ac:11:00:02",
         "Networks":{"bridge":{"IPAMConfig":null,"Links":null,"Aliases":null,"MacAddress":"02:42:ac:11:00:02","NetworkID":"n1","EndpointID":"e1","Gateway":"172.17.0.1",
         "IPAddress":"172.17.0.2","IPPrefixLen":16,"DNSNames":null}}}}
        """;

    private const string Containers = """
        [{"Id":"4fa6e0f0c6786287e131c3852c58a2e01cc697a68231826813597e4994f1d6e2","Names":["/web","/other/alias"],"Image":"nginx:1.25","ImageID":"sha256:aaaa",
          "Command":"/docker-entrypoint.sh nginx -g 'daemon off;'","Created":1577934245,"Ports":[{"IP":"0.0.0.0","PrivatePort":80,"PublicPort":8080,"Type":"tcp"},
          {"IP":"::","PrivatePort":80,"PublicPort":8080,"Type":"tcp"},{"PrivatePort":443,"Type":"tcp"},{"PrivatePort":90,"Type":"udp"},{"PrivatePort":91,"Type":"udp"}],
          "Labels":{"b":"2","a":"1"},"State":"running","Status":"Up 2 hours (healthy)","HostConfig":{"NetworkMode":"bridge"},"SizeRw":1095,"SizeRootFs":187000000,
          "NetworkSettings":{"Networks":{"bridge":{"NetworkID":"n1"}}},"Mounts":[{"Type":"bind","Source":"/srv/a/very/long/path/indeed","Destination":"/d"},{"Type":"volume","Name":"data","Destination":"/v"}]},
         {"Id":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef","Names":["/quiet_pare"],"Image":"sha256:aaaabbbbccccddddeeeeffff0000111122223333444455556666777788889999",
          "ImageID":"sha256:aaaabbbbccccddddeeeeffff0000111122223333444455556666777788889999","Command":"sh","Created":1590000000,"Ports":[],"Labels":{},"State":"exited",
          "Status":"Exited (137) 3 years ago","HostConfig":{"NetworkMode":"none"},"NetworkSettings":{"Networks":{"none":{}}},"Mounts":[]}]
        """;

    private const string Images = """
        [{"Containers":-1,"Created":1577934245,"Id":"sha256:aaaabbbbccccddddeeeeffff0000111122223333444455556666777788889999","Labels":{"x":"y"},"ParentId":"",
          "RepoDigests":["nginx@sha256:1111222233334444555566667777888899990000aaaabbbbccccddddeeeeffff"],"RepoTags":["nginx:1.25","nginx:latest"],"SharedSize":-1,"Size":187000000,
          "Manifests":[{"ID":"sha256:1111222233334444555566667777888899990000aaaabbbbccccddddeeeeffff","Available":true,"Kind":"image",
            "Descriptor":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:1111222233334444555566667777888899990000aaaabbbbccccddddeeeeffff","size":400},
            "Size":{"Total":254000000,"Content":67000000},
            "ImageData":{"Platform":{"architecture":"arm","os":"linux","variant":"v7"},"Containers":["4fa6e0f0c6786287e131c3852c58a2e01cc697a68231826813597e4994f1d6e2"],"Size":{"Unpacked":187000000}}},
           {"ID":"sha256:3333222233334444555566667777888899990000aaaabbbbccccddddeeeeffff","Available":true,"Kind":"image",
            "Descriptor":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:3333222233334444555566667777888899990000aaaabbbbccccddddeeeeffff","size":400},
            "Size":{"Total":1000,"Content":900},"ImageData":{"Platform":{"architecture":"amd64","os":"linux"},"Containers":[],"Size":{"Unpacked":100}}},
           {"ID":"sha256:2222222233334444555566667777888899990000aaaabbbbccccddddeeeeffff","Available":true,"Kind":"attestation",
            "Descriptor":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:2222222233334444555566667777888899990000aaaabbbbccccddddeeeeffff","size":400},
            "Size":{"Total":500,"Content":500},"AttestationData":{"For":"sha256:1111222233334444555566667777888899990000aaaabbbbccccddddeeeeffff"}}]},
         {"Containers":-1,"Created":1590000000,"Id":"sha256:bbbb0000ccccddddeeeeffff0000111122223333444455556666777788889999","Labels":null,"ParentId":"","RepoDigests":[],"RepoTags":[],"SharedSize":-1,"Size":4261550},
         {"Containers":-1,"Created":0,"Id":"sha256:cccc0000ccccddddeeeeffff0000111122223333444455556666777788889999","Labels":null,"ParentId":"","RepoDigests":["busybox@sha256:2222222233334444555566667777888899990000aaaabbbbccccddddeeeeffff"],
          "RepoTags":[],"SharedSize":-1,"Size":999}]
        """;

    private const string Networks = """
        [{"Name":"bridge","Id":"7fca4eb8c647e57e9d46c32714271e0c3f8bf8d17d346629e2820547b2d90039","Created":"2020-01-02T03:04:05.123456789Z","Scope":"local","Driver":"bridge","EnableIPv4":true,"EnableIPv6":false,
          "IPAM":{"Driver":"default","Options":null,"Config":[{"Subnet":"172.17.0.0/16","Gateway":"172.17.0.1"}]},"Internal":false,"Attachable":false,"Ingress":false,
          "ConfigFrom":{"Network":""},"ConfigOnly":false,"Containers":{},"Options":{"com.docker.network.bridge.name":"docker0"},"Labels":{}},
         {"Name":"zz","Id":"1fca4eb8c647e57e9d46c32714271e0c3f8bf8d17d346629e2820547b2d90039","Created":"2020-01-03T03:04:05Z","Scope":"local","Driver":"macvlan","EnableIPv4":true,"EnableIPv6":true,
          "IPAM":{"Driver":"default","Options":{},"Config":[]},"Internal":true,"Attachable":true,"Ingress":false,"ConfigFrom":{"Network":""},"ConfigOnly":false,"Containers":{},"Options":{},"Labels":{"k":"v"}},
         {"Name":"net10","Id":"2fca4eb8c647e57e9d46c32714271e0c3f8bf8d17d346629e2820547b2d90039","Created":"2020-01-03T03:04:05Z","Scope":"local","Driver":"bridge","EnableIPv4":true,"EnableIPv6":false,
          "IPAM":{"Driver":"default","Options":{},"Config":[]},"Internal":false,"Attachable":false,"Ingress":false,"ConfigFrom":{"Network":""},"ConfigOnly":false,"Containers":{},"Options":{},"Labels":{}},
         {"Name":"net9","Id":"3fca4eb8c647e57e9d46c32714271e0c3f8bf8d17d346629e2820547b2d90039","Created":"2020-01-03T03:04:05Z","Scope":"local","Driver":"bridge","EnableIPv4":true,"EnableIPv6":false,
          "IPAM":{"Driver":"default","Options":{},"Config":[]},"Internal":false,"Attachable":false,"Ingress":false,"ConfigFrom":{"Network":""},"ConfigOnly":false,"Containers":{},"Options":{},"Labels":{}}]
        """;

    private const string Volumes = """
        {"Volumes":[{"CreatedAt":"2020-01-02T03:04:05Z","Driver":"local","Labels":{"a":"b"},"Mountpoint":"/var/lib/docker/volumes/data/_data","Name":"data","Options":null,"Scope":"local"},
          {"CreatedAt":"2020-01-02T03:04:05Z","Driver":"local","Labels":null,"Mountpoint":"/m/v10","Name":"v10","Options":{"o":"x"},"Scope":"local"},
          {"CreatedAt":"2020-01-02T03:04:05Z","Driver":"local","Labels":null,"Mountpoint":"/m/v9","Name":"v9","Options":null,"Scope":"local"}],"Warnings":null}
        """;

    private const string History = """
        [{"Comment":"buildkit.dockerfile.v0","Created":1577934245,"CreatedBy":"CMD [\"nginx\" \"-g\" \"daemon off;\"]","Id":"sha256:aaaabbbbccccddddeeeeffff0000111122223333444455556666777788889999","Size":0,"Tags":["nginx:1.25"]},
         {"Comment":"","Created":1577934240,"CreatedBy":"/bin/sh -c #(nop) ADD file:d261a6f6921593f1e0b7f35ab1ab7ed2d5bf6a5bd5f0a0a44a8cb8b3ef6a3ad6 in / ","Id":"<missing>","Size":74800000,"Tags":null}]
        """;

    private const string Version = """
        {"Platform":{"Name":"Berth"},"Components":[{"Name":"Engine","Version":"28.2.2","Details":{"ApiVersion":"1.50","Arch":"amd64","BuildTime":"2025-05-30T12:00:00.000000000+00:00","Experimental":"false",
          "GitCommit":"abc","GoVersion":"go1.24","KernelVersion":"6.18","MinAPIVersion":"1.24","Os":"linux"}},{"Name":"runc","Version":"1.2","Details":{"GitCommit":"x"}}],
         "Version":"28.2.2","ApiVersion":"1.50","MinAPIVersion":"1.24","GitCommit":"abc","GoVersion":"go1.24","Os":"linux","Arch":"amd64","KernelVersion":"6.18","BuildTime":"2025-05-30T12:00:00.000000000+00:00"}
        """;

    private const string Usage = """
        {"LayersSize":187000000,"Images":[{"Containers":1,"Created":1577934245,"Id":"sha256:aaaabbbbccccddddeeeeffff0000111122223333444455556666777788889999","Labels":null,"ParentId":"","RepoDigests":null,
          "RepoTags":["nginx:1.25"],"SharedSize":1000,"Size":187000000}],"Containers":[{"Id":"4fa6e0f0c6786287e131c3852c58a2e01cc697a68231826813597e4994f1d6e2","Names":["/web"],"Image":"nginx:1.25","ImageID":"sha256:aaaa",
          "Command":"nginx","Created":1577934245,"Ports":[],"SizeRw":1095,"SizeRootFs":187001095,"Labels":{},"State":"running","Status":"Up 2 hours","HostConfig":{"NetworkMode":"bridge"},"NetworkSettings":{"Networks":{}},"Mounts":[]}],
         "Volumes":[{"CreatedAt":"2020-01-02T03:04:05Z","Driver":"local","Labels":null,"Mountpoint":"/m","Name":"data","Options":null,"Scope":"local","UsageData":{"RefCount":0,"Size":36}}],
         "BuildCache":[]}
        """;

    /// <summary>The answer to a path without its version.</summary>
    public static (int Status, string Json) Answer(string method, string path) => path switch
    {
        "/containers/json" => (200, Containers),
        "/containers/web/json" => (200, Container),
        "/containers/web/top" => (200, """{"Titles":["UID","PID","CMD"],"Processes":[["root","4242","nginx: master"],["www-data","4300","nginx: worker"]]}"""),
        "/containers/web/changes" => (200, """[{"Kind":0,"Path":"/var"},{"Kind":1,"Path":"/var/x"},{"Kind":2,"Path":"/etc/y z"}]"""),
        "/containers/web/wait" => (200, """{"StatusCode":137}"""),
        "/images/json" => (200, Images),
        "/images/nginx/json" => (200, """
            {"Id":"sha256:aaaa","RepoTags":["nginx:1.25"],"RepoDigests":[],"Parent":"","Comment":"","Created":"2020-01-02T03:04:05Z","DockerVersion":"","Author":"",
             "Config":{"Env":["PATH=/bin"],"Cmd":["sh"]},"Architecture":"amd64","Os":"linux","Size":187000000,"GraphDriver":{"Data":null,"Name":"overlay2"},
             "RootFS":{"Type":"layers","Layers":["sha256:bb"]},"Metadata":{"LastTagTime":"0001-01-01T00:00:00Z"}}
            """),
        "/images/nginx/history" => (200, History),
        "/images/nginx" when method == "DELETE" => (200, """[{"Untagged":"nginx:latest"},{"Deleted":"sha256:aaaa"}]"""),
        "/networks" => (200, Networks),
        "/volumes" => (200, Volumes),
        "/volumes/data" => (200, """{"CreatedAt":"2020-01-02T03:04:05Z","Driver":"local","Labels":{"a":"b"},"Mountpoint":"/m","Name":"data","Options":null,"Scope":"local"}"""),
        "/events" => (200, """
            {"status":"create","id":"4fa6","from":"nginx","Type":"container","Action":"create","Actor":{"ID":"4fa6","Attributes":{"image":"nginx","name":"web"}},"scope":"local","time":1577934245,"timeNano":1577934245000000001}
            {"Type":"network","Action":"connect","Actor":{"ID":"n1"},"scope":"local","time":1577934246,"timeNano":1577934246000000001}

            """),
        "/containers/prune" => (200, """{"ContainersDeleted":["abc","def"],"SpaceReclaimed":123456}"""),
        "/volumes/prune" => (200, """{"VolumesDeleted":null,"SpaceReclaimed":0}"""),
        "/networks/prune" => (200, """{"NetworksDeleted":["zz"]}"""),
        "/images/prune" => (200, """{"ImagesDeleted":[{"Untagged":"a:b"},{"Deleted":"sha256:aa"}],"SpaceReclaimed":10}"""),
        "/version" => (200, Version),
        "/system/df" => (200, Usage),
        "/containers/web/start" or "/containers/web/stop" or "/containers/web/kill" or "/containers/web/pause" or "/containers/web/rename" => (204, ""),
        "/containers/busy" => (409, """{"message":"cannot remove container \"/busy\": container is running: stop the container before removing or force remove"}"""),
        "/info" => (200, """{"ID":"x","Swarm":{"LocalNodeState":"inactive"}}"""),
        _ when path.StartsWith("/containers/nope/", StringComparison.Ordinal) => (404, """{"message":"No such container: nope"}"""),
        _ => (404, $$"""{"message":"No such thing: {{path}}"}"""),
    };
}
