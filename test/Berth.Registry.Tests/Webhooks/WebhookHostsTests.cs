using System.Net;
using Berth.Faults;
using Berth.Registry.Operation.Webhooks;

namespace Berth.Registry.Tests.Webhooks;

/// <summary>F10: where webhooks must not reach.</summary>
public sealed class WebhookHostsTests
{
    [Theory]
    [InlineData("https://hooks.example.org/x", true)]
    [InlineData("https://HOOKS.example.org./x", true)]
    [InlineData("https://a.wild.example/x", true)]
    [InlineData("https://wild.example/x", false)]
    [InlineData("https://evilwild.example/x", false)]
    [InlineData("https://hooks.example.org.evil.example/x", false)]
    [InlineData("http://10.1.2.3:8080/x", true)]
    [InlineData("http://10.2.2.3/x", false)]
    [InlineData("http://127.0.0.1/x", false)]
    [InlineData("http://2130706433/x", false)]
    [InlineData("http://0x7f.1/x", false)]
    [InlineData("http://[::1]/x", false)]
    [InlineData("http://localhost/x", false)]
    public void Host_OutsideTheList_IsForbidden(string url, bool allowed)
    {
        var hosts = new WebhookHosts(["hooks.example.org", "*.wild.example", "10.1.0.0/16"]);
        FaultException? fault = Record.Exception(() => hosts.Check(url)) as FaultException;
        Assert.Equal(allowed ? null : FaultKind.Forbidden, fault?.Kind);
    }

    [Theory]
    [InlineData("ftp://hooks.example.org/")]
    [InlineData("file:///etc/passwd")]
    [InlineData("https://user@hooks.example.org/")]
    [InlineData("https://hooks.example.org/#x")]
    [InlineData("hooks.example.org")]
    [InlineData("")]
    public void Address_OfAnotherForm_IsRefused(string url) => Assert.Equal(
        FaultKind.InvalidArgument, Assert.Throws<FaultException>(() => new WebhookHosts(["*"]).Check(url)).Kind);

    [Theory]
    [InlineData("93.184.216.34", true)]
    [InlineData("2606:2800:220:1::1", true)]
    [InlineData("127.0.0.1", false)]
    [InlineData("::1", false)]
    [InlineData("::ffff:127.0.0.1", false)]
    [InlineData("0.0.0.0", false)]
    [InlineData("10.0.0.1", false)]
    [InlineData("172.31.255.255", false)]
    [InlineData("192.168.1.1", false)]
    [InlineData("169.254.169.254", false)]
    [InlineData("100.64.0.1", false)]
    [InlineData("198.18.0.1", false)]
    [InlineData("224.0.0.1", false)]
    [InlineData("255.255.255.255", false)]
    [InlineData("fe80::1", false)]
    [InlineData("fd00::1", false)]
    [InlineData("64:ff9b::7f00:1", false)]
    [InlineData("2002:7f00:1::1", false)]
    public void Name_ThatIsAllowed_StillHasToBePublic(string address, bool allowed)
    {
        Assert.Equal(allowed, WebhookHosts.IsPublic(IPAddress.Parse(address)));
        Assert.Equal(allowed, new WebhookHosts(["hooks.example.org"]).Allows(new Uri("https://hooks.example.org/"), IPAddress.Parse(address)));
        Assert.Equal(allowed, new WebhookHosts(["*"]).Allows(new Uri("https://any.example/"), IPAddress.Parse(address)));
    }

    [Fact]
    public void Network_ThatIsNamed_MayBeInside()
    {
        var hosts = new WebhookHosts(["ci.lab.example", "10.1.0.0/16"]);
        Assert.True(hosts.Allows(new Uri("http://ci.lab.example/"), IPAddress.Parse("10.1.9.9")));
        Assert.False(hosts.Allows(new Uri("http://ci.lab.example/"), IPAddress.Parse("10.2.9.9")));
    }

    [Theory]
    [InlineData("")]
    [InlineData("*.")]
    [InlineData("a b")]
    [InlineData("https://hooks.example.org")]
    [InlineData("10.0.0.0/99")]
    public void Entry_OfAnotherForm_IsRefused(string entry) => Assert.Throws<FaultException>(() => new WebhookHosts([entry]));
}
