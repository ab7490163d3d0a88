using Berth.Faults;
using Berth.Oci.Runtime;

namespace Berth.Engine.Tests;

/// <summary>Who gets which ids: ranges of containers, the forms of <c>userns-remap</c>, what goes together with a user namespace.</summary>
public sealed class UserNamespaceTests : IDisposable
{
    private readonly string _etc = Directory.CreateTempSubdirectory("berth-ids-").FullName;
    private int _number;

    public void Dispose() => Directory.Delete(_etc, recursive: true);

    [Fact]
    public void Take_OfBerthsRanges_IsCutWithoutOverlapUntilNoneIsLeft()
    {
        Write("subuid", "anna:100000:65536\nberth:200000:131073\nberth:500000:65535\nberth:600000:65536\n");
        Write("subgid", "berth:700000:1000000\n");
        List<UserMaps> inUse = [];
        UserIdRanges ranges = new(() => inUse, _etc);
        Assert.Equal([200_000u, 265_536u, 600_000u], [.. new[] { 1, 2, 3 }.Select(_ => Take(ranges, inUse).RootUser)]);
        Assert.Equal([700_000u, 765_536u, 831_072u], [.. inUse.Select(static maps => maps.RootGroup)]);
        FaultException none = Assert.Throws<FaultException>(() => Take(ranges, inUse));
        Assert.Equal(FaultKind.Conflict, none.Kind);
        Assert.Equal($"no ids are left for another user namespace: {_etc}/subuid gives berth room for 3 containers: remove some, or add a "
            + "line like berth:665536:65536 to /etc/subuid and /etc/subgid", none.Message);
        // A removed container's are free again.
        inUse.RemoveAt(1);
        Assert.Equal(265_536u, Take(ranges, inUse).RootUser);
    }

    [Fact]
    public void Take_WhatIsInNoRecordYet_IsNotGivenTwice()
    {
        Write("subuid", "berth:200000:131072\n");
        Write("subgid", "berth:200000:131072\n");
        UserIdRanges ranges = new(static () => [], _etc);
        Assert.Equal(200_000u, ranges.Take(Id()).RootUser);
        string second = Id();
        Assert.Equal(265_536u, ranges.Take(second).RootUser);
        ranges.Settle(second);
        Assert.Equal(265_536u, ranges.Take(Id()).RootUser);
    }

    [Fact]
    public void Take_WithoutAnEntry_IsBuiltIn_AndLeavesOutWhatOthersHave()
    {
        // All but two pieces of the built-in range are somebody's.
        const uint first = 0x40000000, piece = 65536;
        Write("subuid", $"anna:{first}:{0x1FFFFFFF - 3 * piece}\nbert:{first + 0x20000000 - piece}:{piece}\n");
        List<UserMaps> inUse = [];
        UserIdRanges ranges = new(() => inUse, _etc);
        uint[] taken = [.. new[] { 1, 2 }.Select(_ => Take(ranges, inUse).RootUser).Order()];
        Assert.Equal([first + 0x20000000 - 3 * piece, first + 0x20000000 - 2 * piece], taken);
        Assert.Equal("no ids are left for another user namespace: remove containers that have one",
            Assert.Throws<FaultException>(() => Take(ranges, inUse)).Message);
    }

    [Fact]
    public void Take_ManyWithoutAnEntry_NeverOverlap()
    {
        List<UserMaps> inUse = [];
        UserIdRanges ranges = new(() => inUse, _etc);
        for (int i = 0; i < 200; i++)
            Take(ranges, inUse);
        uint[] users = [.. inUse.Select(static maps => maps.RootUser).Order()];
        Assert.All(users.Zip(users.Skip(1)), static pair => Assert.True(pair.Second - pair.First >= 65536));
        Assert.All(users, static user => Assert.InRange(user, 524_288u, 1_879_048_191u - 65535));
    }

    [Theory]
    [InlineData("anna", 100_000u, 500_000u)]
    [InlineData("1001", 100_000u, 500_000u)]
    [InlineData("anna:staff", 100_000u, 600_000u)]
    [InlineData("1001:50", 100_000u, 600_000u)]
    [InlineData("default", 300_000u, 700_000u)]
    public void Remap_FormsOfDocker_GiveTheRangesOneBehindTheOther(string text, uint user, uint group)
    {
        Write("passwd", "root:x:0:0::/:\nanna:x:1001:1001::/:\n");
        Write("group", "root:x:0:\nanna:x:1001:\nstaff:x:50:anna\n");
        Write("subuid", "anna:100000:1000\nanna:200000:64536\ndockremap:300000:65536\n");
        Write("subgid", "anna:500000:65536\nstaff:600000:65536\ndockremap:700000:65536\n");
        UserMaps maps = RemapText.Parse(text, _etc);
        Assert.Equal(user, maps.RootUser);
        Assert.Equal(group, maps.RootGroup);
        Assert.Equal(65535u, maps.LastGroup);
        if (user == 100_000)
            Assert.Equal(new IdMapping { ContainerID = 1000, HostID = 200_000, Size = 64_536 }, maps.Users[1]);
    }

    [Fact]
    public void Remap_DefaultWithoutEntries_IsBuiltInAndNoContainersOwn()
    {
        UserMaps maps = RemapText.Parse("default", _etc);
        Assert.Equal(0x40000000u - 65536, maps.RootUser);
        Write("subuid", "berth:800000:65536\n");
        Write("subgid", "berth:800000:65536\n");
        Assert.Equal(800_000u, RemapText.Parse("default", _etc).RootUser);
    }

    [Theory]
    [InlineData("bert", "invalid userns-remap: there is no user \"bert\" in ")]
    [InlineData("7", "invalid userns-remap: there is no user \"7\" in ")]
    [InlineData("anna:bert", "invalid userns-remap: there is no group \"bert\" in ")]
    [InlineData("anna:", "invalid userns-remap \"anna:\": it is \"default\", a user, or a user and a group as user:group")]
    [InlineData("a:b:c", "invalid userns-remap \"a:b:c\"")]
    [InlineData("anna", "Can't create ID mappings: No subuid ranges found for user \"anna\": add a line like anna:100000:65536 to ")]
    public void Remap_WhatThereIsNot_IsAMistake(string text, string words)
    {
        Write("passwd", "anna:x:1001:1001::/:\n");
        Write("group", "anna:x:1001:\n");
        Assert.StartsWith(words, Assert.Throws<FaultException>(() => RemapText.Parse(text, _etc)).Message);
    }

    [Theory]
    [InlineData("private", null, true)]
    [InlineData("auto", null, true)]
    [InlineData("host", "default", false)]
    [InlineData("", "default", true)]
    [InlineData("", null, false)]
    public void IsAsked_ByTheWordOrTheEnginesDefault(string mode, string? remap, bool isAsked)
    {
        EngineOptions options = new() { DefaultUserMaps = remap is null ? null : RemapText.Parse(remap, _etc) };
        Assert.Equal(isAsked, UserNamespaceRules.IsAsked(new HostSettings { UsernsMode = mode }, options));
    }

    [Theory]
    [InlineData("keep-id")]
    [InlineData("container:")]
    [InlineData("privat")]
    public void Check_UnknownWord_IsRefused(string mode) =>
        Assert.StartsWith($"invalid user namespace mode: {mode}",
            Assert.Throws<FaultException>(() => UserNamespaceRules.Check(mode)).Message);

    [Fact]
    public void MapsOfJoined_AreTheOthers_AndOneUserNamespacesAlone()
    {
        UserMaps own = RemapText.Parse("default", _etc), other = Take(new UserIdRanges(static () => [], _etc), []);
        State.ContainerRecord? Find(string name) => name == "gone" ? null : new()
        {
            Id = Id(), Name = name, Created = default, Config = new ContainerSettings(), Host = new HostSettings(),
            UserMaps = name switch { "a" or "b" => own, "c" => other, _ => null },
        };
        UserMaps? Of(string? users, string? network, string? ipc = null) => UserNamespaceRules.MapsOfJoined(
            new HostSettings { UsernsMode = users, NetworkMode = network, IpcMode = ipc }, Find);
        Assert.Null(Of("", "bridge"));
        Assert.Same(own, Of("", "container:a", "container:b"));
        Assert.Same(other, Of("container:c", "bridge"));
        Assert.Contains("different user namespaces", Assert.Throws<FaultException>(() => Of("container:c", "container:a")).Message);
        Assert.Null(Of("", "container:gone"));
        Assert.Equal(FaultKind.InvalidArgument, Assert.Throws<FaultException>(() => Of("container:gone", "bridge")).Kind);
        Assert.Contains("it is in the host's", Assert.Throws<FaultException>(() => Of("", "container:host")).Message);
    }

    private UserMaps Take(UserIdRanges ranges, List<UserMaps> inUse)
    {
        string id = Id();
        UserMaps maps = ranges.Take(id);
        inUse.Add(maps);
        ranges.Settle(id);
        return maps;
    }

    private string Id() => (++_number * 0x01000193u).ToString("x8") + new string('0', 56);

    private void Write(string name, string content) => File.WriteAllText(Path.Combine(_etc, name), content);
}
