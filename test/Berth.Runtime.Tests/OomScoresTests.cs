using Berth.Faults;
using Berth.Oci.Runtime;
using Berth.Runtime.Externals;
using Berth.Runtime.Plans;

namespace Berth.Runtime.Tests;

/// <summary>What is asked of <c>oom_score_adj</c>, and what this host can give.</summary>
public sealed class OomScoresTests
{
    [Theory]
    [InlineData(-200, 0, 0, true)]
    [InlineData(-200, -1000, -200, false)]
    [InlineData(300, 0, 300, false)]
    [InlineData(null, 500, null, false)]
    public void Asked_BelowTheLeast_IsTheLeastWithAWarning(int? asked, int least, int? given, bool warns)
    {
        List<string> warnings = [];
        Assert.Equal(given, OomScores.Given(asked, least, warnings));
        Assert.Equal(warns, warnings.Count == 1);
    }

    [Theory]
    [InlineData(5000)]
    [InlineData(-1001)]
    public void NoSuchValue_IsRefused(int asked) =>
        Assert.Equal($"oomScoreAdj {asked}: must be from -1000 to 1000",
            Assert.Throws<FaultException>(() => OomScores.Check(asked)).Message);

    /// <summary>Another runtime ends with an error at what this host cannot give: it is asked for what it can.</summary>
    [Fact]
    public void ProcessForAnotherRuntime_HasTheValueThatIsGiven()
    {
        List<string> warnings = [];
        ProcessSpec process = new() { Args = ["x"], Cwd = "/", OomScoreAdj = -900 };
        int? given = OomScores.Given(-900, []);
        Assert.Equal(given, ExternalSpec.Clamp(process, warnings).OomScoreAdj);
        Assert.Equal(given != -900, warnings.Count == 1);
    }
}
