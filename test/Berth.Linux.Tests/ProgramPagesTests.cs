using Berth.Linux.Processes;

namespace Berth.Linux.Tests;

public sealed class ProgramPagesTests
{
    [Fact]
    public void Release_RunningProgram_UnmapsCodeAndGoesOn()
    {
        long before = MappedCodeKib();
        long released = ProgramPages.Release() / 1024;
        Assert.True(released > before / 2, $"{released} of {before} KiB");
        // What runs now was let go a moment ago and is mapped again.
        Assert.True(MappedCodeKib() > 0);
    }

    private static long MappedCodeKib()
    {
        long sum = 0;
        bool isCode = false;
        foreach (string line in File.ReadLines("/proc/self/smaps"))
        {
            if (line.Contains('-') && line.Contains(" r-xp ", StringComparison.Ordinal))
                isCode = line.Contains(" /", StringComparison.Ordinal);
            else if (line.Contains('-') && !line.Contains(':', StringComparison.Ordinal))
                isCode = false;
            else if (isCode && line.StartsWith("Rss:", StringComparison.Ordinal))
            {
                sum += long.Parse(line.AsSpan(4).TrimStart().TrimEnd(" kB"));
                isCode = false;
            }
        }
        return sum;
    }
}
