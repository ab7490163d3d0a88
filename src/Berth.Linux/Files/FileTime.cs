using System.Runtime.InteropServices;

namespace Berth.Linux.Files;

/// <summary>A moment as the kernel keeps it: struct timespec.</summary>
/// <param name="Seconds">Seconds since 1970 UTC; may be negative.</param>
/// <param name="Nanoseconds">0 to 999,999,999, added to the seconds.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct FileTime(long Seconds, long Nanoseconds)
{
    /// <summary>utimensat(2) UTIME_OMIT: this time is left as it is.</summary>
    public static FileTime Omit { get; } = new(0, 0x3ffffffe);

    /// <summary>The same moment with the precision of ticks (100 ns).</summary>
    public DateTimeOffset ToDateTimeOffset() => DateTimeOffset.FromUnixTimeSeconds(Seconds).AddTicks(Nanoseconds / 100);

    /// <summary>The moment as the kernel keeps it.</summary>
    public static FileTime From(DateTimeOffset time)
    {
        long ticks = time.UtcTicks - DateTimeOffset.UnixEpoch.Ticks;
        long seconds = Math.DivRem(ticks, TimeSpan.TicksPerSecond, out long rest);
        return rest < 0 ? new(seconds - 1, (rest + TimeSpan.TicksPerSecond) * 100) : new(seconds, rest * 100);
    }
}
