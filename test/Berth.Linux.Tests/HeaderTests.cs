namespace Berth.Linux.Tests;

public sealed class HeaderTests
{
    public static TheoryData<string> Names => [.. Tables.Keys];

    private static Dictionary<string, HeaderTable> Tables => new()
    {
        ["files"] = FileHeaders.Constants,
        ["file structures"] = FileHeaders.Structures,
        ["errno"] = new HeaderTable("errno.h").Add(typeof(Errno)),
        ["netlink"] = NetlinkHeaders.Netlink,
        ["nftables"] = NetlinkHeaders.Nftables,
        ["calls"] = CallHeaders.Constants,
        ["call structures"] = CallHeaders.Structures,
        ["stage"] = StageHeaders.Constants,
        ["stage structures"] = StageHeaders.Structures,
        ["stage signal action"] = StageHeaders.SignalAction,
        ["stage calls"] = StageHeaders.Calls,
    };

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Declaration_ComparedWithHeaders_IsTheSame(string name)
    {
        HeaderTable table = Tables[name];
        long[] theirs = await table.CompileAndRunAsync(TestContext.Current.CancellationToken);
        Assert.Equal(table.Rows.Count, theirs.Length);
        string[] different = [.. table.Rows.Zip(theirs).Where(pair => pair.First.Ours != pair.Second)
            .Select(pair => $"{pair.First.Expression}: ours {pair.First.Ours}, headers {pair.Second}")];
        Assert.Empty(different);
    }

    [Fact]
    public void Constants_OfBothAssemblies_AreComparedOrListedAsOurOwn()
    {
        string[] uncompared =
        [
            .. CallHeaders.Uncompared(typeof(Errno).Assembly, CallHeaders.Known), .. CallHeaders.Uncompared(StageHeaders.Assembly,
                StageHeaders.Known),
        ];
        Assert.True(uncompared.Length == 0, string.Join('\n', uncompared));
    }

    [Fact]
    public void Constants_ThatAreListed_AreThere()
    {
        string[] gone = [.. CallHeaders.Gone(typeof(Errno).Assembly, CallHeaders.Known), .. CallHeaders.Gone(StageHeaders.Assembly, StageHeaders.Known)];
        Assert.True(gone.Length == 0, string.Join('\n', gone));
    }

    [Fact]
    public void Structures_OfBothAssemblies_AreComparedOrListedAsOurOwn()
    {
        // FileHeaders compares FileTime; the others the kernel never sees: views, and contracts of the stage with the runtime.
        string[] own =
        [
            "FileTime", "NetlinkAttributes", "FileStatus", "TextArray", "Mapping", "Child", "Line", "Log", "Client", "MonitorState",
            "PlanHeader",
            "PlanHook", "PlanNamespace", "PlanStep", "Report",
        ];
        // Named in a table, between quotes.
        string source = string.Concat(Directory.GetFiles(StageHeaders.Folder, "*Headers.cs").Select(File.ReadAllText));
        string[] uncompared = [.. new[] { typeof(Errno).Assembly, StageHeaders.Assembly }.SelectMany(assembly => assembly.GetTypes())
            .Where(type => type is { IsValueType: true, IsEnum: false } && !type.FullName!.Contains('<', StringComparison.Ordinal))
            .Where(type => !own.Contains(type.Name) && !source.Contains($"\"{type.Name}\"", StringComparison.Ordinal)).Select(type => type.Name)];
        Assert.True(uncompared.Length == 0, string.Join('\n', uncompared));
    }

    [Fact]
    public void StageCalls_AllNumbersOfTheSource_StandInTheTable() => Assert.Equal(
        StageHeaders.CallNames.Keys.Order(StringComparer.Ordinal),
        StageHeaders.SourceCalls().Select(call => call.Method).Order(StringComparer.Ordinal));

    [Fact]
    public async Task Comparison_WrongRow_IsSeen()
    {
        long[] theirs = await new HeaderTable("errno.h").Add("EPERM", 2).CompileAndRunAsync(TestContext.Current.CancellationToken);
        Assert.Equal([1L], theirs);
    }
}
