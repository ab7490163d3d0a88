using System.Net;
using Berth.Distribution;
using Berth.Network;

namespace Berth.Engine.Tests;

/// <summary>The engine's options arrive where they act.</summary>
public sealed class SettingsTests
{
    [Fact]
    public void Networks_GetTheirOptions()
    {
        NetworkOptions network = BerthEngine.NetworkOptionsOf(new EngineOptions
        {
            DataRoot = "/srv/a", Bridge = "br7", BridgeAddress = "10.7.0.1/24", Mtu = 1400, Dns = ["10.0.0.53"],
            DefaultAddressPools = [new AddressPool("10.9.0.0/16", 24)],
        });
        Assert.Equal(("br7", "berth-br7", "10.7.0.1/24", 1400),
            (network.BridgeName, network.TableName, network.BridgeAddress, network.Mtu));
        Assert.Equal([IPAddress.Parse("10.0.0.53")], network.Dns);
        Assert.Equal(("10.9.0.0/16", 24), (network.AddressPools[0].Range.ToString(), network.AddressPools[0].PrefixLength));
        Assert.Equal("/srv/a/networks", network.StateDirectory);
    }

    // Another process must find the same table: the name is a constant of the data root.
    [Fact]
    public void Table_WithoutBridge_IsThatOfTheDataRoot()
    {
        Assert.Equal("berth-" + Convert.ToHexStringLower(
            System.Security.Cryptography.SHA256.HashData("/srv/a"u8))[..16], TableOf("/srv/a"));
        Assert.NotEqual(TableOf("/srv/b"), TableOf("/srv/a"));
        static string TableOf(string root) =>
            BerthEngine.NetworkOptionsOf(new EngineOptions { DataRoot = root, Bridge = "none" }).TableName;
    }

    [Fact]
    public void Registries_GetTheirOptions()
    {
        RegistryOptions registry = BerthEngine.RegistryOptionsOf(new EngineOptions
        {
            RegistryMirrors = ["http://mirror:5000"], InsecureRegistries = ["10.0.0.0/8"],
            MaxConcurrentDownloads = 7, MaxConcurrentUploads = 2,
        });
        Assert.Equal(["http://mirror:5000"], registry.Mirrors);
        Assert.Equal(["10.0.0.0/8"], registry.InsecureRegistries);
        Assert.Equal((7, 2), (registry.ConcurrentDownloads, registry.ConcurrentUploads));
    }

    [Fact]
    public async Task Containers_GetTheEnginesLimitsAndLogs()
    {
        await using TestEngine test = await TestEngine.OpenAsync(options => options with
        {
            DefaultUlimits = [new Ulimit("nofile", 64, 128), new Ulimit("nproc", 5, 6)],
            LogOptions = new Dictionary<string, string> { ["max-size"] = "1m", ["max-file"] = "2" },
        });
        (string _, FakeContainer running) = await test.StartAsync(new HostSettings
        {
            Resources = new ResourceLimits { Ulimits = [new Ulimit("nproc", 7, 8)] },
        });
        Assert.Equal([("RLIMIT_NOFILE", 64UL, 128UL), ("RLIMIT_NPROC", 7UL, 8UL)],
            running.Request.Spec.Process!.Rlimits!.OrderBy(limit => limit.Type).Select(limit => (limit.Type, limit.Soft, limit.Hard)));
        Assert.Equal((1_000_000, 2), (running.Request.Log!.BytesMax, running.Request.Log.FilesMax));
    }

    [Theory]
    [InlineData("", "127.0.0.1", "127.0.0.1")]
    [InlineData("10.0.0.1", "127.0.0.1", "10.0.0.1")]
    [InlineData("0.0.0.0", "127.0.0.1", "0.0.0.0")]
    [InlineData("", "0.0.0.0", null)]
    public void Publish_WithoutAddress_UsesTheEngines(string asked, string standard, string? expected)
    {
        HostSettings host = new()
        {
            PortBindings = new Dictionary<string, IReadOnlyList<PortBinding>> { ["80/tcp"] = [new PortBinding(asked, "8080")] },
        };
        Assert.Equal(expected, Assert.Single(PublishRules.Bindings(host, [], standard)).HostAddress?.ToString());
    }
}
