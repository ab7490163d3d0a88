using Berth.Faults;
using Berth.Registry.Operation.Configuration;

namespace Berth.Registry.Tests.Serving;

public sealed class SizeTextTests
{
    [Theory]
    [InlineData("0", 0L), InlineData("1", 1L), InlineData("12B", 12L), InlineData("1.5kB", 1500L), InlineData("20 gb", 20_000_000_000L)]
    [InlineData("500MB", 500_000_000L), InlineData("2tb", 2_000_000_000_000L)]
    public void Size_IsRead(string text, long bytes) => Assert.Equal(bytes, SizeText.Parse(text));

    [Fact]
    public void None_IsNoLimit() => Assert.Null(SizeText.Parse("none"));

    [Theory]
    [InlineData(""), InlineData("B"), InlineData("-1"), InlineData("1 PB"), InlineData("many"), InlineData("9999999999TB"), InlineData("1e3"), InlineData("None")]
    public void Other_IsRefused(string text) =>
        Assert.Equal(FaultKind.InvalidArgument, Assert.Throws<FaultException>(() => SizeText.Parse(text)).Kind);
}
