using Berth.Linux.Processes;

namespace Berth.Daemon.Tests;

public sealed class SubordinateIdsTests
{
    private const string File = """
        # ranges
        anna:100000:65536
        1001:300000:10
        bert:200000:65536
        anna:400000:5
        anna:no:5
        anna:0:5
        anna:4294967000:4000
        anna:7
        """;

    [Fact]
    public void Of_LinesOfTheNameAndTheNumber_AreTaken() =>
        Assert.Equal([(100_000u, 65_536u), (300_000u, 10u), (400_000u, 5u)], SubordinateIds.Of(File, "anna", 1001));

    [Theory]
    [InlineData("carl", 1002), InlineData("ann", 7)]
    public void Of_Others_AreNone(string name, uint id) => Assert.Empty(SubordinateIds.Of(File, name, id));

    [Fact]
    public void Of_NoFile_IsNone() => Assert.Empty(SubordinateIds.Of("", "anna", 1));

    [Fact]
    public void Arguments_RangesLieBehindEachOtherFromOneOn() => Assert.Equal(
        ["42", "0", "1001", "1", "1", "100000", "65536", "65537", "400000", "5"],
        SubordinateIds.Arguments(42, 1001, [(100_000, 65_536), (400_000, 5)]));

    [Fact]
    public void Arguments_MoreThanThereAreNumbers_IsCut() => Assert.Equal(
        ["1", "0", "9", "1", "1", "10", "4294967284", "4294967285", "5", "10"],
        SubordinateIds.Arguments(1, 9, [(10, uint.MaxValue - 11), (5, 100), (7, 7)]));
}
