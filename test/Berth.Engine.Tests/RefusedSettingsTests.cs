using Berth.Engine.Mounts;
using Berth.Engine.Specs;
using Berth.Faults;
using Berth.Oci.Images;
using Berth.Oci.References;

namespace Berth.Engine.Tests;

/// <summary>Settings that contradict each other, or that nothing would come of: refused with Docker's words, never ignored.</summary>
public sealed class RefusedSettingsTests : IAsyncLifetime
{
    private static readonly ContainerSettings s_plain = new() { Image = "base", Cmd = ["run"] };
    private TestEngine _test = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private IContainers Containers => _test.Engine.Containers;

    public async ValueTask InitializeAsync() => _test = await TestEngine.OpenAsync();

    public ValueTask DisposeAsync() => _test.DisposeAsync();

    public static TheoryData<string, HostSettings, ContainerSettings> Contradictions => new()
    {
        {
            "conflicting options: hostname and the UTS mode",
            new HostSettings { UTSMode = "host", NetworkMode = "host" }, s_plain with { Hostname = "foo" }
        },
        {
            "conflicting options: port exposing and the container type network mode",
            new HostSettings { NetworkMode = "container:x" }, s_plain with { ExposedPorts = ["80/tcp"] }
        },
        {
            "conflicting options: mac-address and the network mode",
            new HostSettings { NetworkMode = "container:x" }, s_plain with { MacAddress = "02:42:ac:11:00:09" }
        },
        {
            "conflicting options: mac-address and the network mode",
            new HostSettings { NetworkMode = "host" }, s_plain with { MacAddress = "02:42:ac:11:00:09" }
        },
        {
            "Invalid network mode: invalid container format container:<name|id>",
            new HostSettings { NetworkMode = "container:" }, s_plain
        },
        {
            "invalid CPU shares (-5): value must be a positive integer",
            new HostSettings { NetworkMode = "none", Resources = new ResourceLimits { CpuShares = -5 } }, s_plain
        },
        {
            "Conflicting options: Nano CPUs and CPU Quota cannot both be set",
            new HostSettings { NetworkMode = "none", Resources = new ResourceLimits { NanoCpus = 5, CpuQuota = 5000 } }, s_plain
        },
        {
            "Conflicting options: Nano CPUs and CPU Period cannot both be set",
            new HostSettings { NetworkMode = "none", Resources = new ResourceLimits { NanoCpus = 5, CpuPeriod = 5000 } }, s_plain
        },
        {
            "invalid volume specification: '/tmp:/x:nocopy': invalid mount config for type \"bind\": "
                + "field VolumeOptions must not be specified",
            new HostSettings { NetworkMode = "none", Binds = ["/tmp:/x:nocopy"] }, s_plain
        },
        {
            "invalid volume specification: 'vv:/x:rshared': invalid mount config for type \"volume\": "
                + "field BindOptions must not be specified",
            new HostSettings { NetworkMode = "none", Binds = ["vv:/x:rshared"] }, s_plain
        },
        {
            "invalid IP address in add-host: \"1.2\"", new HostSettings { NetworkMode = "none", ExtraHosts = ["foo:1.2"] }, s_plain
        },
        {
            "1.2 is not an ip address", new HostSettings { NetworkMode = "none", Dns = ["1.2"] }, s_plain
        },
        {
            "invalid IP address: 010.1", new HostSettings
            {
                NetworkMode = "none",
                PortBindings = new Dictionary<string, IReadOnlyList<PortBinding>> { ["80/tcp"] = [new PortBinding("010.1", "80")] },
            }, s_plain
        },
        {
            "health-on-failure 'restart' needs a health check, and neither the container nor its image has one: add --health-cmd",
            new HostSettings { NetworkMode = "none", HealthOnFailure = "restart" }, s_plain
        },
        {
            "health-on-failure 'stop' needs a health check, and neither the container nor its image has one: add --health-cmd",
            new HostSettings { NetworkMode = "none", HealthOnFailure = "stop" },
            s_plain with { Healthcheck = new HealthConfig { Test = ["NONE"] } }
        },
    };

    [Theory]
    [MemberData(nameof(Contradictions), DisableDiscoveryEnumeration = true)]
    public async Task Create_Contradiction_IsRefused(string message, HostSettings host, ContainerSettings config)
    {
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => CreateAsync(host, config));
        Assert.Equal((FaultKind.InvalidArgument, message), (fault.Kind, fault.Message));
        Assert.Empty(await Containers.ListAsync(new ContainerQuery { All = true }, Cancel));
    }

    [Theory]
    [InlineData("none", "none")]
    [InlineData("host", "host")]
    [InlineData("container:x", "container:x")]
    public async Task Create_AddressWhereThereIsNone_IsRefused(string mode, string network)
    {
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => CreateAsync(
            new HostSettings { NetworkMode = mode }, s_plain, (network, new EndpointSettings { IPv4Address = "1.2.3.4" })));
        Assert.Equal(FaultKind.InvalidArgument, fault.Kind);
        Assert.Contains("user specified IP address is supported on user defined networks only", fault.Message, StringComparison.Ordinal);
        await CreateAsync(new HostSettings { NetworkMode = mode }, s_plain, (network, new EndpointSettings()));
    }

    [Fact]
    public async Task Create_PortsOfTheHostsNetwork_AreWarnedOf() => Assert.Contains(
        "Published ports are discarded when using host network mode", (await CreateAsync(new HostSettings
        {
            NetworkMode = "host",
            PortBindings = new Dictionary<string, IReadOnlyList<PortBinding>> { ["80/tcp"] = [new PortBinding("", "80")] },
        }, s_plain)).Warnings);

    [Theory]
    [InlineData("386", null, true)]
    [InlineData("386", "seccomp=unconfined", false)]
    [InlineData("amd64", null, false)]
    public async Task Create_ImageOf32Bits_IsWarnedOfItsSockets(string architecture, string? option, bool isWarned)
    {
        ImportRequest import = new() { Reference = ImageReference.Parse("other"), Platform = new Platform { Os = "linux", Architecture = architecture } };
        await _test.Engine.Images.ImportAsync(import, TestEngine.Tar("other"), Cancel);
        CreatedContainer created = await CreateAsync(
            new HostSettings { NetworkMode = "none", SecurityOpt = option is null ? null : [option] }, s_plain with { Image = "other" });
        Assert.Equal(isWarned, created.Warnings.Any(static warning => warning.Contains("socketcall", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task HealthOnFailure_WithACheck_IsTaken() => Assert.NotEmpty((await CreateAsync(
        new HostSettings { NetworkMode = "none", HealthOnFailure = "restart" },
        s_plain with { Healthcheck = new HealthConfig { Test = ["CMD", "check"] } })).Id);

    [Theory]
    [InlineData(500, 0, 0, 0, 0, 5000, "CPU Quota cannot be updated as NanoCPUs has already been set")]
    [InlineData(500, 0, 0, 0, 5000, 0, "CPU Period cannot be updated as NanoCPUs has already been set")]
    [InlineData(0, 0, 5000, 500, 0, 0, "Nano CPUs cannot be updated as CPU Quota has already been set")]
    [InlineData(0, 5000, 0, 500, 0, 0, "Nano CPUs cannot be updated as CPU Period has already been set")]
    public async Task Update_OtherWayToLimitProcessors_IsRefused(
        long nano, long period, long quota, long newNano, long newPeriod, long newQuota, string message)
    {
        string id = (await CreateAsync(new HostSettings
        {
            NetworkMode = "none", Resources = new ResourceLimits { NanoCpus = nano, CpuPeriod = period, CpuQuota = quota },
        }, s_plain)).Id;
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => Containers.UpdateAsync(id, new ContainerUpdate(
            new ResourceLimits { NanoCpus = newNano, CpuPeriod = newPeriod, CpuQuota = newQuota }, null), Cancel));
        Assert.Equal((FaultKind.Conflict, $"Cannot update container {id}: Conflicting options: {message}"), (fault.Kind, fault.Message));
    }

    [Fact]
    public async Task Update_BothWaysToLimitProcessors_IsRefusedForItself()
    {
        HostSettings host = new() { NetworkMode = "none", Resources = new ResourceLimits { NanoCpus = 5 } };
        string id = (await CreateAsync(host, s_plain)).Id;
        ContainerUpdate update = new(new ResourceLimits { NanoCpus = 9, CpuQuota = 5000 }, null);
        Assert.Equal("Conflicting options: Nano CPUs and CPU Quota cannot both be set",
            (await Assert.ThrowsAsync<FaultException>(() => Containers.UpdateAsync(id, update, Cancel))).Message);
    }

    [Fact]
    public async Task Update_NegativeShares_AreRefused()
    {
        string id = (await CreateAsync(new HostSettings { NetworkMode = "none" }, s_plain)).Id;
        Assert.Equal("invalid CPU shares (-100): value must be a positive integer", (await Assert.ThrowsAsync<FaultException>(
            () => Containers.UpdateAsync(id, new ContainerUpdate(new ResourceLimits { CpuShares = -100 }, null), Cancel))).Message);
    }

    [Fact]
    public void MemoryNodes_ThatAreNotThere_AreRefused()
    {
        Assert.SkipUnless(File.Exists("/sys/fs/cgroup/cpuset.mems.effective"), "no cgroup file that lists the memory nodes");
        string nodes = File.ReadAllText("/sys/fs/cgroup/cpuset.mems.effective").Trim();
        Assert.Equal($"Requested memory nodes are not available - requested 0,8000, available: {nodes}", Assert.Throws<FaultException>(
            () => ResourceSpecs.Validate(new ResourceLimits { CpusetMems = "0,8000" })).Message);
        ResourceSpecs.Validate(new ResourceLimits { CpusetMems = nodes });
    }

    /// <summary>Whether or not there is a container that could match.</summary>
    [Theory]
    [InlineData("exited", "x")]
    [InlineData("expose", "x")]
    [InlineData("publish", "x")]
    [InlineData("is-task", "x")]
    public async Task List_FilterWithoutMeaning_IsRefused(string name, string value)
    {
        FilterSet filters = new([KeyValuePair.Create<string, IReadOnlyList<string>>(name, [value])]);
        Assert.Equal(FaultKind.InvalidArgument, (await Assert.ThrowsAsync<FaultException>(
            () => Containers.ListAsync(new ContainerQuery { Filters = filters }, Cancel))).Kind);
    }

    [Fact]
    public async Task Rename_NameIsTakenOrWrong_SaysWhatFailed()
    {
        string id = (await _test.CreateAsync("one")).Id;
        await _test.CreateAsync("two");
        FaultException taken = await Assert.ThrowsAsync<FaultException>(() => Containers.RenameAsync(id, "two", Cancel));
        Assert.Equal(FaultKind.Conflict, taken.Kind);
        Assert.StartsWith("Error when allocating new name: Conflict. The container name \"/two\" is already in use", taken.Message);
        Assert.StartsWith("Error when allocating new name: Invalid container name (a b)",
            (await Assert.ThrowsAsync<FaultException>(() => Containers.RenameAsync(id, "a b", Cancel))).Message);
    }

    [Theory]
    [InlineData("vv:/x:nocopy")]
    [InlineData("vv:/x:ro,z")]
    [InlineData("/tmp:/x:rshared")]
    public void Bind_OptionsOfItsKind_AreTaken(string text) => Assert.Equal("/x", ResolveMounts.ParseBind(text).Point.Destination);

    private Task<CreatedContainer> CreateAsync(
        HostSettings host, ContainerSettings config, params (string Network, EndpointSettings Settings)[] networks) =>
        Containers.CreateAsync(new CreateContainer
        {
            Config = config, Host = host, Networks = networks.ToDictionary(one => one.Network, one => one.Settings),
        }, Cancel);
}
