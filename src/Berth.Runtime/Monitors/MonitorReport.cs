using System.Buffers.Binary;
using System.Text;
using Berth.Stage;

namespace Berth.Runtime.Monitors;

/// <summary>A <see cref="Report"/> as it came over a socket.</summary>
internal readonly record struct MonitorReport(Packet Kind, Place Place, int Value, DateTimeOffset At, string Text)
{
    private const int TextOffset = 32;

    /// <summary>Reads one; false when it is cut short.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out MonitorReport report)
    {
        report = default;
        if (bytes.Length < TextOffset)
            return false;
        int length = Math.Clamp(BinaryPrimitives.ReadInt32LittleEndian(bytes[12..]), 0, bytes.Length - TextOffset);
        long ticks = BinaryPrimitives.ReadInt64LittleEndian(bytes[24..]) / 100;
        report = new MonitorReport(
            (Packet)bytes[0],
            (Place)BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]),
            BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]),
            DateTimeOffset.UnixEpoch.AddSeconds(BinaryPrimitives.ReadInt64LittleEndian(bytes[16..])).AddTicks(ticks),
            Encoding.UTF8.GetString(bytes.Slice(TextOffset, length)));
        return true;
    }
}
