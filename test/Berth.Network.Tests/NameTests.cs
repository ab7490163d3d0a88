using System.Net;
using System.Net.Sockets;
using Berth.Linux;

namespace Berth.Network.Tests;

public sealed class NameTests
{
    [Fact]
    public async Task UserNetwork_ResolvesNamesAliasesShortIdsAndReverse()
    {
        await using World world = await World.StartAsync();
        await world.Networks.CreateAsync(new NetworkRequest { Name = "front" }, World.Cancel);
        await using Container web = await world.RunAsync("front", new EndpointRequest { ContainerName = "web", Aliases = ["www"] });
        await using Container client = await world.RunAsync("front", "client");

        foreach (string name in (string[])["web", "WWW", "web.front", web.Sandbox.ContainerId[..12]])
            Assert.Equal([172, 18, 0, 2], (await AskAsync(client, name, DnsQuery.TypeA))[^4..]);
        byte[] none = await AskAsync(client, "web", DnsQuery.TypeAaaa);
        Assert.Equal((0, 0), (none[3] & 15, none[7]));
        byte[] reverse = await AskAsync(client, "2.0.18.172.in-addr.arpa", DnsQuery.TypePtr);
        Assert.Contains("\u0003web\u0005front\0", System.Text.Encoding.Latin1.GetString(reverse), StringComparison.Ordinal);
        Assert.Equal([172, 18, 0, 2], (await AskByStreamAsync(client, "web"))[^4..]);

        world.Networks.Rename(web.Sandbox, "site");
        Assert.Equal([172, 18, 0, 2], (await AskAsync(client, "site", DnsQuery.TypeA))[^4..]);
        await web.DisposeAsync();
        Assert.Equal(DnsQuery.CodeServerFailure, (await AskAsync(client, "site", DnsQuery.TypeA))[3] & 15);
    }

    [Fact]
    public async Task Link_IsANameForItsOwnerAlone_AlsoWhenTheOtherComesLater()
    {
        await using World world = await World.StartAsync();
        await world.Networks.CreateAsync(new NetworkRequest { Name = "front" }, World.Cancel);
        await using Container client = await world.RunAsync("front", new EndpointRequest
        {
            ContainerName = "client", Links = new Dictionary<string, string> { ["db"] = "postgres-1" },
        });
        Assert.Equal(DnsQuery.CodeServerFailure, (await AskAsync(client, "db", DnsQuery.TypeA))[3] & 15);
        await using Container other = await world.RunAsync("front", "postgres-1");
        Assert.Equal([172, 18, 0, 3], (await AskAsync(client, "DB", DnsQuery.TypeA))[^4..]);
        Assert.Equal(DnsQuery.CodeServerFailure, (await AskAsync(other, "db", DnsQuery.TypeA))[3] & 15);
    }

    [Fact]
    public async Task ForeignName_IsForwardedFromTheHost_ButNotOnInternalNetworks()
    {
        await using World world = await World.StartAsync();
        await world.Networks.CreateAsync(new NetworkRequest { Name = "front" }, World.Cancel);
        await world.Networks.CreateAsync(new NetworkRequest { Name = "inside", Internal = true }, World.Cancel);
        await using Container client = await world.RunAsync("front", "client");
        await using Container hidden = await world.RunAsync("inside", "hidden");
        using Socket resolver =
            NetworkNamespace.Run(world.Host, () => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        resolver.Bind(new IPEndPoint(IPAddress.Loopback, 53));
        int asked = 0;
        _ = Task.Run(async () =>
        {
            byte[] buffer = new byte[512];
            while (true)
            {
                SocketReceiveFromResult got = await resolver.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0));
                Interlocked.Increment(ref asked);
                Assert.True(DnsQuery.TryParse(buffer.AsSpan(0, got.ReceivedBytes), out DnsQuery query));
                await resolver.SendToAsync(query.AnswerAddresses([InternetAddress.Parse("9.8.7.6")]), got.RemoteEndPoint);
            }
        }, World.Cancel);
        Assert.Equal([9, 8, 7, 6], (await AskAsync(client, "example.org", DnsQuery.TypeA))[^4..]);
        Assert.Equal(DnsQuery.CodeServerFailure, (await AskAsync(hidden, "example.org", DnsQuery.TypeA))[3] & 15);
        Assert.Equal(1, asked);
    }

    public static TheoryData<string> Hostile =>
    [
        "", "00", "000001000001000000000000", "00000100000100000000000003777777", "0000010000010000000000000377777700000100",
        "000081000001000000000000037777770000010001", "000001000002000000000000037777770000010001",
        "000001000001000000000000C00C00010001", "0000010000010000000000004077777700000100010000",
        "000001000001000000000000" + string.Concat(Enumerable.Repeat("3F" + new string('6', 126), 5)) + "0000010001",
    ];

    [Theory]
    [MemberData(nameof(Hostile))]
    public void Query_Hostile_IsRefused(string hex) => Assert.False(DnsQuery.TryParse(Convert.FromHexString(hex), out _));

    [Fact]
    public void Query_RandomBytes_NeverThrowsAndNeverReadsBeyond()
    {
        Random random = new(1);
        byte[] valid = Question("web.front", DnsQuery.TypeA);
        for (int i = 0; i < 100_000; i++)
        {
            byte[] mutated = valid[..random.Next(valid.Length + 1)];
            for (int flips = random.Next(4); flips > 0 && mutated.Length > 0; flips--)
                mutated[random.Next(mutated.Length)] = (byte)random.Next(256);
            if (DnsQuery.TryParse(mutated, out DnsQuery query))
                Assert.InRange(query.AnswerAddresses([default]).Length, query.Bytes.Length, 512);
        }
    }

    [Theory]
    [InlineData("2.0.18.172.in-addr.arpa", "172.18.0.2")]
    [InlineData("2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.0.0.0.0.0.0.0.0.0.D.F.IP6.ARPA", "fd00:0:6::2")]
    [InlineData("0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.0.0.0.0.0.0.0.0.0.d.f", null)]
    [InlineData("0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.0.0.0.0.0.0.0.0.0.d.ip6.arpa", null)]
    [InlineData("0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.0.0.0.0.0.0.0.0.0.d.g.ip6.arpa", null)]
    [InlineData("00.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa", null)]
    [InlineData("ip6.arpa", null)]
    [InlineData("1.2.3.in-addr.arpa", null)]
    [InlineData("256.2.3.4.in-addr.arpa", null)]
    public void ReverseName_IsAnAddressOrNone(string name, string? address)
    {
        Assert.True(DnsQuery.TryParse(Question(name, DnsQuery.TypePtr), out DnsQuery query));
        Assert.Equal(address, query.ReverseAddress()?.ToString());
    }

    [Fact]
    public void ResolvConf_LeavesOutLoopbackServers()
    {
        const string Host = "# host\nnameserver 127.0.0.53\nnameserver 10.0.0.1\nsearch lan example.org\noptions edns0\n";
        Assert.Equal("nameserver 10.0.0.1\nsearch lan example.org\noptions edns0\n", ResolvConf.For(Host, new ResolvConfOptions()));
        Assert.Equal("nameserver 8.8.8.8\nnameserver 8.8.4.4\n", ResolvConf.For("nameserver 127.0.0.1\n", new ResolvConfOptions()));
        Assert.Equal("nameserver 127.0.0.11\nsearch lan example.org\noptions edns0 ndots:0\n",
            ResolvConf.For(Host, new ResolvConfOptions { UsesEmbeddedServer = true }));
        Assert.Equal(Host, ResolvConf.For(Host, new ResolvConfOptions { CopyHost = true }));
        const string Both = "nameserver ::1\nnameserver fe80::1%2\nnameserver fd00::53\nnameserver 10.0.0.1\n";
        Assert.Equal("nameserver 10.0.0.1\n", ResolvConf.For(Both, new ResolvConfOptions()));
        Assert.Equal("nameserver fd00::53\nnameserver 10.0.0.1\n", ResolvConf.For(Both, new ResolvConfOptions { HasIPv6 = true }));
    }

    [Fact]
    public void HostsFile_HasDockersLayout()
    {
        IReadOnlyList<ExtraHost> gateways = HostsFile.ParseExtraHost(
            "host.docker.internal:host-gateway", [IPAddress.Parse("172.17.0.1"), IPAddress.Parse("fd00::1")]);
        string text = HostsFile.Content("abc", "", [InternetAddress.Parse("172.17.0.2"), InternetAddress.Parse("fd00::2")], gateways);
        Assert.StartsWith("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\n",
            text, StringComparison.Ordinal);
        Assert.EndsWith("172.17.0.1\thost.docker.internal\nfd00::1\thost.docker.internal\n172.17.0.2\tabc\nfd00::2\tabc\n", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a:1.2")]
    [InlineData("a=010.0.0.1")]
    [InlineData("a:[::1]:80")]
    public void ExtraHost_WithHalfAnAddress_IsRefused(string text) => Assert.StartsWith(
        "invalid IP address in add-host: ", Assert.Throws<Faults.FaultException>(() => HostsFile.ParseExtraHost(text, [])).Message,
        StringComparison.Ordinal);

    [Theory]
    [InlineData("a:[fd00::1]", "fd00::1")]
    [InlineData("a=fd00::1", "fd00::1")]
    [InlineData("a:10.0.0.1", "10.0.0.1")]
    public void ExtraHost_IsReadInAllItsForms(string text, string address) =>
        Assert.Equal(new ExtraHost("a", IPAddress.Parse(address)), Assert.Single(HostsFile.ParseExtraHost(text, [])));

    private static byte[] Question(string name, int type)
    {
        List<byte> message = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        foreach (string label in name.Split('.'))
            message.AddRange([(byte)label.Length, .. System.Text.Encoding.ASCII.GetBytes(label)]);
        message.AddRange([0, 0, (byte)type, 0, 1]);
        return [.. message];
    }

    internal static async Task<byte[]> AskAsync(Container from, string name, int type)
    {
        using Socket socket =
            NetworkNamespace.Run(from.Namespace, () => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        using CancellationTokenSource deadline = CancellationTokenSource.CreateLinkedTokenSource(World.Cancel);
        deadline.CancelAfter(30_000);
        await socket.ConnectAsync(new IPEndPoint(ResolvConf.EmbeddedServer, 53), deadline.Token);
        await socket.SendAsync(Question(name, type), deadline.Token);
        byte[] answer = new byte[512];
        int count = await socket.ReceiveAsync(answer, deadline.Token);
        Assert.Equal([0x12, 0x34], answer[..2]);
        return answer[..count];
    }

    private static async Task<byte[]> AskByStreamAsync(Container from, string name)
    {
        using Socket socket =
            NetworkNamespace.Run(from.Namespace, () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        await socket.ConnectAsync(new IPEndPoint(ResolvConf.EmbeddedServer, 53), World.Cancel);
        await DnsStream.WriteAsync(socket, Question(name, DnsQuery.TypeA), World.Cancel);
        return (await DnsStream.ReadAsync(socket, World.Cancel))!;
    }
}
