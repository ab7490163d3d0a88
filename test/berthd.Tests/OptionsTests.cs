using Berth.Daemon.Options;

namespace Berth.Daemon.Tests;

public sealed class OptionsTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("berthd-options-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void NoSettings_TakeTheDefaults()
    {
        DaemonOptions options = Assert.IsType<DaemonOptions>(Build([], null, out _));
        Assert.Equal("/d/lib", options.Engine.DataRoot);
        Assert.Equal("unix:///d/run/berth.sock", Assert.Single(options.Listen).ToString());
        Assert.False(options.Engine.StopContainersOnDispose);
    }

    [Fact]
    public void FlagsAndFile_AreMerged()
    {
        DaemonOptions options = Assert.IsType<DaemonOptions>(Build(
            ["--data-root", "/x", "-H", "unix:///a.sock", "-H", "unix:///b.sock", "-D", "--default-ulimit", "nofile=1024:2048"],
            """
            {"exec-root": "/y", "log-opts": {"max-size": "1m"}, "registry-mirrors": ["http://m:5000"],
             "default-address-pools": [{"base": "10.9.0.0/16", "size": 24}], "live-restore": false, "max-concurrent-downloads": 7}
            """,
            out _));
        Assert.Equal(("/x", "/y"), (options.Engine.DataRoot, options.Engine.ExecRoot));
        Assert.Equal(2, options.Listen.Count);
        Assert.Equal("1m", options.Engine.LogOptions["max-size"]);
        Assert.Equal(2048, Assert.Single(options.Engine.DefaultUlimits).Hard);
        Assert.Equal(24, Assert.Single(options.Engine.DefaultAddressPools).Size);
        Assert.True(options.Engine.StopContainersOnDispose);
        Assert.Equal(7, options.Engine.MaxConcurrentDownloads);
        Assert.Equal(Microsoft.Extensions.Logging.LogLevel.Debug, options.LogLevel);
    }

    [Fact]
    public void File_EveryKeyOfNetworksAndRegistries_ReachesTheEngine()
    {
        Engine.EngineOptions engine = Assert.IsType<DaemonOptions>(Build([],
            """
            {"mtu": 1400, "bip": "10.8.0.1/24", "dns": ["10.0.0.53"], "ip": "127.0.0.1", "data-root": "/z",
             "default-ulimits": {"nofile": {"Name": "nofile", "Soft": 5, "Hard": 6}}, "log-opts": {"max-file": "4"},
             "insecure-registries": ["10.0.0.0/8"], "registry-mirrors": ["https://m"],
             "default-address-pools": [{"base": "10.9.0.0/16", "size": 24}]}
            """,
            out _)).Engine;
        Assert.Equal((1400, "10.8.0.1/24", "127.0.0.1", "/z"),
            (engine.Mtu, engine.BridgeAddress, engine.DefaultPublishAddress, engine.DataRoot));
        Assert.Equal(["10.0.0.53"], engine.Dns);
        Assert.Equal(new Engine.Ulimit("nofile", 5, 6), Assert.Single(engine.DefaultUlimits));
        Assert.Equal("4", engine.LogOptions["max-file"]);
        Assert.Equal(["10.0.0.0/8"], engine.InsecureRegistries);
        Assert.Equal(["https://m"], engine.RegistryMirrors);
        Assert.Equal(new Engine.AddressPool("10.9.0.0/16", 24), Assert.Single(engine.DefaultAddressPools));
        Assert.Equal(1300, Assert.IsType<DaemonOptions>(Build(["--mtu", "1300"], "{}", out _)).Engine.Mtu);
    }

    [Fact]
    public void File_KeysOfIPv6_ReachTheEngine()
    {
        Engine.EngineOptions engine = Assert.IsType<DaemonOptions>(Build(
            ["--default-network-opt", "bridge=com.docker.network.enable_ipv6=true"],
            """
            {"ipv6": true, "bip6": "fd00::1/64", "fixed-cidr-v6": "fd00::100/120", "fixed-cidr": "10.8.0.128/25", "ip6tables": true,
             "default-address-pools": [{"base": "fd00:1::/56", "size": 64}]}
            """,
            out _)).Engine;
        Assert.Equal((true, "fd00::1/64", "fd00::100/120", "10.8.0.128/25"),
            (engine.BridgeHasIPv6, engine.BridgeAddressIPv6, engine.FixedCidrIPv6, engine.FixedCidr));
        Assert.Equal(new Engine.AddressPool("fd00:1::/56", 64), Assert.Single(engine.DefaultAddressPools));
        Assert.Equal("true", engine.DefaultNetworkOptions["com.docker.network.enable_ipv6"]);
        Assert.Equal("b", Assert.IsType<DaemonOptions>(Build([], """{"default-network-opts": {"bridge": {"a": "b"}}}""", out _))
            .Engine.DefaultNetworkOptions["a"]);
        Assert.False(Assert.IsType<DaemonOptions>(Build([], "{}", out _)).Engine.BridgeHasIPv6);
    }

    [Theory]
    [InlineData("""{"fixed-cidr-v6": "fd00::/64"}""", "fixed-cidr-v6 needs ipv6: the default bridge has no IPv6 addresses without it")]
    [InlineData("""{"ipv6": true, "bip6": "10.0.0.1/24"}""",
        "invalid bip6 (10.0.0.1/24): an IPv6 address and a prefix length are expected, such as fd00:db8::/64")]
    [InlineData("""{"ipv6": true, "fixed-cidr-v6": "fd00::/129"}""",
        "invalid fixed-cidr-v6 (fd00::/129): an IPv6 address and a prefix length are expected, such as fd00:db8::/64")]
    [InlineData("""{"ip6tables": false}""", "ip6tables: false is not offered: this engine keeps its rules for IPv6 in a table of its own")]
    [InlineData("""{"default-network-opts": {"macvlan": {"a": "b"}}}""",
        "invalid default-network-opts (macvlan=a=b): this engine has no networks of driver macvlan, only bridge")]
    [InlineData("""{"default-network-opts": {"bridge": "a"}}""", "default-network-opts: an object of objects of strings is expected")]
    public void File_WrongKeysOfIPv6_AreOneSentence(string file, string message)
    {
        Assert.Null(Build([], file, out List<string> errors));
        Assert.Contains(message, Assert.Single(errors), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"dns": ["1.2"]}""", "invalid dns (1.2): an IP address is expected")]
    [InlineData("""{"ip": "010.0.0.1"}""", "invalid ip (010.0.0.1): an IP address is expected")]
    [InlineData("""{"labels": ["a=b", "c", "a=d"]}""", "conflict labels for a=b and a=d")]
    [InlineData("""{"default-ulimits": {"nofile": {"Name": "nofile", "Soft": 9, "Hard": 6}}}""",
        "ulimit soft limit must be less than or equal to hard limit: 9 > 6")]
    [InlineData("""{"default-ulimits": {"bogus": {"Name": "bogus", "Soft": 1, "Hard": 6}}}""", "invalid ulimit type: bogus")]
    public void File_ValuesThatContradictThemselves_AreOneSentence(string file, string message)
    {
        Assert.Null(Build([], file, out List<string> errors));
        Assert.Contains(message, Assert.Single(errors), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{}", true)]
    [InlineData("""{"features": {"buildkit": true, "containerd-snapshotter": false}}""", true)]
    [InlineData("""{"features": {"buildkit": false}}""", false)]
    public void File_Features_SayWhichBuilder(string file, bool prefersBuildKit) =>
        Assert.Equal(prefersBuildKit, Assert.IsType<DaemonOptions>(Build([], file, out _)).PrefersBuildKit);

    [Theory]
    [InlineData("""{"features": {"containerd-snapshotter": true}}""", "invalid features (containerd-snapshotter=true): this engine has no such feature")]
    [InlineData("""{"features": {"buildkit": "yes"}}""", "features: an object of true and false is expected")]
    public void File_OtherFeatures_AreRefused(string file, string message)
    {
        Assert.Null(Build([], file, out List<string> errors));
        Assert.Contains(message, Assert.Single(errors), StringComparison.Ordinal);
    }

    [Fact]
    public void Runtimes_OfTheFile_AreKnownByName()
    {
        Engine.EngineOptions file = Assert.IsType<DaemonOptions>(Build([],
            """
            {"runtimes": {"crun": {"path": "/usr/bin/crun", "runtimeArgs": ["--debug", "a b"]}, "runc": {"path": "/bin/runc"}},
             "default-runtime": "crun"}
            """, out _)).Engine;
        Assert.Equal("crun", file.DefaultRuntime);
        Assert.Equal("/usr/bin/crun", file.Runtimes["crun"].Path);
        Assert.Equal(["--debug", "a b"], file.Runtimes["crun"].Arguments);
        Assert.Empty(file.Runtimes["runc"].Arguments);
    }

    [Fact]
    public void Runtimes_OfFlags_AreFoundInThePath()
    {
        Engine.EngineOptions flags = Assert.IsType<DaemonOptions>(
            Build(["--add-runtime", "a=/x/a", "--add-runtime", "b=sh"], null, out _)).Engine;
        Assert.Equal("/x/a", flags.Runtimes["a"].Path);
        Assert.EndsWith("/sh", flags.Runtimes["b"].Path);
        Assert.Equal("berth", flags.DefaultRuntime);
    }

    [Theory]
    [InlineData("runtime name 'berth' is reserved", "--add-runtime", "berth=/bin/x")]
    [InlineData("invalid runtime (x): name=path is expected", "--add-runtime", "x")]
    [InlineData("invalid runtime (x=): name=path is expected", "--add-runtime", "x=")]
    [InlineData("runtime 'x' was already registered", "--add-runtime", "x=/a", "--add-runtime", "x=/b")]
    [InlineData("specified default runtime 'y' does not exist", "--default-runtime", "y")]
    public void Runtimes_ThatMakeNoSense_AreRefused(string sentence, params string[] flags)
    {
        Assert.Null(Build(flags, null, out List<string> errors));
        Assert.Equal(sentence, Assert.Single(errors));
    }

    [Fact]
    public void CgroupDriver_Systemd_HasASlice()
    {
        Engine.EngineOptions plain = Assert.IsType<DaemonOptions>(Build([], null, out _)).Engine;
        Assert.Equal((false, "/berth"), (plain.SystemdCgroup, plain.CgroupParent));
        Engine.EngineOptions systemd = Assert.IsType<DaemonOptions>(Build([], """{"exec-opts":["native.cgroupdriver=systemd"]}""", out _)).Engine;
        Assert.Equal((true, Environment.IsPrivilegedProcess ? "system.slice" : "user.slice"), (systemd.SystemdCgroup, systemd.CgroupParent));
        Engine.EngineOptions placed = Assert.IsType<DaemonOptions>(
            Build(["--exec-opt", "native.cgroupdriver=systemd", "--cgroup-parent", "a-b.slice"], "{}", out _)).Engine;
        Assert.Equal("a-b.slice", placed.CgroupParent);
    }

    [Theory]
    [InlineData("native.cgroupdriver option none not supported", "--exec-opt", "native.cgroupdriver=none")]
    [InlineData("invalid exec-opts (isolation=process): unknown option: native.cgroupdriver is the only one", "--exec-opt", "isolation=process")]
    [InlineData("cgroup-parent for systemd cgroup should be a valid slice named as \"xxx.slice\"",
        "--exec-opt", "native.cgroupdriver=systemd", "--cgroup-parent", "/x")]
    public void CgroupDriver_ThatMakesNoSense_IsRefused(string sentence, params string[] flags)
    {
        Assert.Null(Build(flags, null, out List<string> errors));
        Assert.Equal(sentence, Assert.Single(errors));
    }

    [Fact]
    public void File_UnknownKeys_AreAllNamedInDockersWords()
    {
        Assert.Null(Build([], """{"x": 1, "debug": true, "y": {}}""", out List<string> errors));
        Assert.Equal(
            $"unable to configure the Docker daemon with file {ConfigPath}: the following directives don't match any configuration "
            + "option: x, y",
            Assert.Single(errors));
    }

    [Fact]
    public void FlagAndFile_SameSetting_IsAConflict()
    {
        Assert.Null(Build(["--debug"], """{"debug": false}""", out List<string> errors));
        Assert.EndsWith(
            "the following directives are specified both as a flag and in the configuration file: "
            + "debug: (from flag: true, from file: false)",
            Assert.Single(errors));
    }

    [Fact]
    public void Mistakes_AreAllReportedAtOnce()
    {
        Assert.Null(Build(
            ["--data-root", "relative", "--log-level", "loud", "-H", "ftp://x", "--dns", "nowhere", "--bip", "10.0.0.1/24",
                "--registry-mirror", "mirror", "--default-shm-size", "big", "--log-opt", "novalue"],
            """{"debug": "yes", "labels": [1]}""", out List<string> errors));
        Assert.Equal(9, errors.Count);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("""{"debug": true, "debug": false}""")]
    [InlineData("null")]
    [InlineData("""{"runtimes": {"x": {}}}""")]
    [InlineData("""{"runtimes": {"x": {"path": "/x", "runtimeType": "io.containerd.kata.v2"}}}""")]
    [InlineData("""{"default-ulimits": {"nofile": {"Soft": "x", "Hard": 1}}}""")]
    [InlineData("""{"default-address-pools": [{"base": "10.0.0.0/8"}]}""")]
    public void File_Malformed_IsOneSentenceWithItsPath(string text)
    {
        Assert.Null(Build([], text, out List<string> errors));
        Assert.StartsWith($"unable to configure the Docker daemon with file {ConfigPath}: ", Assert.Single(errors));
    }

    [Fact]
    public void Tcp_WithoutCertificates_IsRefused()
    {
        foreach (string host in new[] { "tcp://0.0.0.0:2375", "tcp://127.0.0.1:2375", "tcp://localhost:2375" })
        {
            Assert.Null(Build(["-H", host], null, out List<string> errors));
            Assert.Contains("--tlsverify", Assert.Single(errors));
        }
    }

    [Theory]
    [InlineData("{}", "/etc/cdi /var/run/cdi")]
    [InlineData("""{"cdi-spec-dirs": ["/a", "/b"]}""", "/a /b")]
    [InlineData("""{"features": {"cdi": true}}""", "/etc/cdi /var/run/cdi")]
    [InlineData("""{"features": {"cdi": false}, "cdi-spec-dirs": ["/a"]}""", "")]
    public void File_DescriptionsOfDevices_AreWhereItSays(string file, string directories) =>
        Assert.Equal(directories, string.Join(' ', Assert.IsType<DaemonOptions>(Build([], file, out _)).Engine.CdiDirectories));

    [Fact]
    public void File_LoggingMetricsAndNamespaces_ReachTheDaemon()
    {
        DaemonOptions options = Assert.IsType<DaemonOptions>(Build([],
            """
            {"log-format": "json", "metrics-addr": "localhost:9323", "default-cgroupns-mode": "host", "default-ipc-mode": "shareable"}
            """,
            out _));
        Assert.True(options.LogsAsJson);
        Assert.Equal("127.0.0.1:9323", options.Metrics!.ToString());
        Assert.Equal(("host", "shareable"), (options.Engine.DefaultCgroupNamespace, options.Engine.DefaultIpc));
        Assert.Equal("", ListenAddress.Parse("fd://").Handed);
    }

    [Theory]
    [InlineData("log-format", "xml", "invalid log-format (xml): one of text, json is expected")]
    [InlineData("metrics-addr", "9323", "invalid metrics-addr (9323): an IP address and a port are expected")]
    [InlineData("default-ipc-mode", "host", "invalid default-ipc-mode (host): one of private, shareable is expected")]
    public void File_WrongWord_IsSaid(string key, string value, string message)
    {
        Assert.Null(Build([], $$"""{"{{key}}": "{{value}}"}""", out List<string> errors));
        Assert.Equal(message, Assert.Single(errors));
    }

    [Theory]
    [InlineData("unix://relative", FaultKind.InvalidArgument)]
    [InlineData("/var/run/docker.sock", FaultKind.InvalidArgument)]
    [InlineData("tcp://host.example:1", FaultKind.InvalidArgument)]
    [InlineData("", FaultKind.InvalidArgument)]
    public void ListenAddress_Other_IsRefused(string text, FaultKind kind) =>
        Assert.Equal(kind, Assert.Throws<FaultException>(() => ListenAddress.Parse(text)).Kind);

    [Fact]
    public void ListenAddress_TooLongForTheKernel_IsRefused() =>
        Assert.Throws<FaultException>(() => ListenAddress.Parse("unix:///" + new string('x', 107)));

    [Fact]
    public void Settings_KeysAndFlags_AreUnique()
    {
        Assert.Distinct(Settings.All.Select(setting => setting.Flag));
        Assert.Distinct(Settings.All.Where(setting => setting.Key is not null).Select(setting => setting.Key));
    }

    private string ConfigPath => Path.Combine(_directory, "daemon.json");

    private DaemonOptions? Build(string[] arguments, string? file, out List<string> errors)
    {
        errors = [];
        if (file is not null)
            File.WriteAllText(ConfigPath, file);
        var commandLine = new DaemonCommandLine();
        var parsed = commandLine.Root.Parse(arguments);
        Assert.Empty(parsed.Errors);
        SettingValues fromFile = ConfigurationFile.Read(ConfigPath, isNamed: false, errors);
        SettingValues merged = OptionsBuilder.Merge(commandLine.Read(parsed), fromFile, ConfigPath, errors);
        return new OptionsBuilder(merged, new DefaultPaths("/d/lib", "/d/run", ConfigPath)).Build(errors);
    }
}
