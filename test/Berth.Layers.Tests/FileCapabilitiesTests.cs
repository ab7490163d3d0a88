using Berth.Layers.Trees;

namespace Berth.Layers.Tests;

public sealed class FileCapabilitiesTests
{
    private static readonly byte[] s_plain = [1, 0, 0, 2, 0, 4, .. new byte[14]];
    private static readonly byte[] s_owned = [1, 0, 0, 3, 0, 4, .. new byte[14], 0xA0, 0x86, 1, 0];

    [Fact]
    public void For_Everybodys_BecomeTheRootsAndBack()
    {
        Assert.Equal(s_owned, FileCapabilities.For(s_plain, 100_000));
        Assert.Equal(s_plain, FileCapabilities.Of(s_owned, 100_000));
    }

    [Fact]
    public void For_OthersAndWhatIsNone_StayAsTheyAre()
    {
        Assert.Equal(s_owned, FileCapabilities.For(s_owned, 7));
        Assert.Equal(s_owned, FileCapabilities.Of(s_owned, 7));
        Assert.Equal(s_plain, FileCapabilities.Of(s_plain, 7));
        foreach (byte[] odd in (byte[][])[[], [1], [1, 0, 0, 2], s_plain[..12], [.. s_owned, 0], new byte[20], new byte[24]])
        {
            Assert.Equal(odd, FileCapabilities.For(odd, 7));
            Assert.Equal(odd, FileCapabilities.Of(odd, 7));
        }
    }
}
