using Berth.Registry.Diary;

namespace Berth.Registry.Tests.Diary;

public sealed class DiaryMomentTests
{
    [Theory]
    [InlineData("2026-09-24", "2026-09-24T23:59:59.999Z")]
    [InlineData("2026-09-24T14:05", "2026-09-24T14:05:59.999Z")]
    [InlineData("2026-09-24T14:05Z", "2026-09-24T14:05:59.999Z")]
    [InlineData("2026-09-24 14:05:30", "2026-09-24T14:05:30.999Z")]
    [InlineData("2026-09-24T14:05:30Z", "2026-09-24T14:05:30.999Z")]
    [InlineData("2026-09-24T14:05:30+02:00", "2026-09-24T12:05:30.999Z")]
    [InlineData("2028-02-29", "2028-02-29T23:59:59.999Z")]
    public void Moment_IsTheEndOfWhatWasNamed(string text, string expected)
    {
        Assert.True(DiaryMoment.TryParse(text, out long milliseconds));
        Assert.Equal(DateTimeOffset.Parse(expected), DateTimeOffset.FromUnixTimeMilliseconds(milliseconds));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("yesterday")]
    [InlineData("2026-9-24")]
    [InlineData("2026-09-31")]
    [InlineData("2027-02-29")]
    [InlineData("24.09.2026")]
    [InlineData("2026-09-24T25:00")]
    [InlineData("1960-01-01")]
    [InlineData("2026-09-24T14:05:30Z; drop table tags")]
    public void Moment_ThatIsNone_IsRefused(string? text) => Assert.False(DiaryMoment.TryParse(text, out _));

    [Theory]
    [InlineData("stable@2026-09-24", "stable", true)]
    [InlineData("stable", "stable", false)]
    [InlineData("@2026-09-24", "@2026-09-24", false)]
    [InlineData("stable@sha256", "stable", false)]
    public void Split_FindsTheTag(string text, string tag, bool isDated)
    {
        Assert.Equal(isDated, DiaryMoment.TrySplit(text, out string found, out _));
        Assert.Equal(tag, found);
    }
}
