using Berth.BuildKit.Files;
using Berth.Linux.Files;

namespace Berth.BuildKit.Tests;

public sealed class GoFileModeTests
{
    // Left: what Go prints of os.FileMode as a number; right: what the kernel says in st_mode.
    [Theory]
    [InlineData(0x1A4u, 0x81A4)]
    [InlineData(0x800001EDu, 0x41ED)]
    [InlineData(0x80000000u | (1u << 20) | 0x1FF, 0x43FF)]
    [InlineData((1u << 23) | 0x1ED, 0x89ED)]
    [InlineData((1u << 22) | 0x1ED, 0x85ED)]
    [InlineData((1u << 27) | 0x1FF, 0xA1FF)]
    [InlineData((1u << 25) | 0x180, 0x1180)]
    [InlineData((1u << 26) | 0x180, 0x6180)]
    [InlineData((1u << 26) | (1u << 21) | 0x180, 0x2180)]
    [InlineData((1u << 24) | 0x1ED, 0xC1ED)]
    public void Mode_BothWays_IsTheSame(uint go, int kernel)
    {
        Assert.Equal(kernel, GoFileMode.ToKernel(go));
        Assert.Equal(go, GoFileMode.FromKernel(new FileStatus { Mode = kernel }));
    }

    [Theory]
    [InlineData((1u << 31) | (1u << 27))]
    [InlineData(1u << 19)]
    [InlineData(1u << 21)]
    public void Mode_OfNoFile_IsNone(uint go) => Assert.Null(GoFileMode.ToKernel(go));
}
