namespace Berth.Fuzz.Tests;

/// <summary>Makes hostile inputs from good ones.</summary>
internal sealed class Mutator(Random random)
{
    private const int ChangesMax = 8;
    private const int LengthMax = 64 * 1024;
    private static readonly byte[] s_telling = [0, 1, 9, 10, 13, 32, 34, 36, 46, 47, 58, 64, 92, 123, 125, 127, 128, 255];

    public byte[] Mutate(byte[] seed)
    {
        List<byte> bytes = [.. seed];
        for (int change = random.Next(1, ChangesMax + 1); change > 0; change--)
            Change(bytes);
        return bytes.Count > LengthMax ? [.. bytes.Take(LengthMax)] : [.. bytes];
    }

    private void Change(List<byte> bytes)
    {
        int at = bytes.Count == 0 ? 0 : random.Next(bytes.Count);
        int length = Math.Min(random.Next(1, 64), bytes.Count - at);
        switch (random.Next(6))
        {
            case 0 when bytes.Count > 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1 when bytes.Count > 0:
                bytes[at] = s_telling[random.Next(s_telling.Length)];
                break;
            case 2:
                bytes.RemoveRange(at, length);
                break;
            case 3:
                bytes.InsertRange(random.Next(bytes.Count + 1), bytes.GetRange(at, length));
                break;
            case 4:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            default:
                bytes.Insert(at, (byte)random.Next(256));
                break;
        }
    }
}
