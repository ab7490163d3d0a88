using System.Buffers.Binary;

namespace Berth.EndToEnd.Tests.Robustness;

/// <summary>Output as the Engine API frames it: eight bytes of header, of which the last four are the length.</summary>
internal static class Frames
{
    /// <summary>What is in all frames, one after the other.</summary>
    public static byte[] Payload(ReadOnlySpan<byte> frames)
    {
        MemoryStream payload = new();
        while (frames.Length >= 8)
        {
            int length = Math.Min(BinaryPrimitives.ReadInt32BigEndian(frames[4..]), frames.Length - 8);
            payload.Write(frames.Slice(8, length));
            frames = frames[(8 + length)..];
        }
        return payload.ToArray();
    }
}
