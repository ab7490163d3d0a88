using Berth.Cli.Parsing;

namespace Berth.Cli.Running;

/// <summary>Watches typed bytes for the keys that leave a container running (<c>ctrl-p,ctrl-q</c>).</summary>
/// <remarks>Bytes that might begin the sequence are held back until the next key decides.</remarks>
internal sealed class EscapeDetector(byte[] keys)
{
    public const string DefaultKeys = "ctrl-p,ctrl-q";
    private int _matched;

    /// <exception cref="UsageException">Not a sequence of keys.</exception>
    public static byte[] ParseKeys(string text)
    {
        List<byte> keys = [];
        foreach (string key in text.Split(','))
        {
            if (key.Length == 1)
                keys.Add((byte)key[0]);
            else if (key.Length == 6 && key.StartsWith("ctrl-", StringComparison.Ordinal) && ControlCode(key[5]) is { } code)
                keys.Add(code);
            else
                throw new UsageException($"invalid detach keys ({text}): unknown character: '{key}'");
        }
        return [.. keys];
    }

    /// <summary>What may be passed on of the bytes; <paramref name="found"/> when the sequence is complete.</summary>
    public byte[] Filter(ReadOnlySpan<byte> bytes, out bool found)
    {
        List<byte> passed = new(bytes.Length + _matched);
        found = false;
        foreach (byte b in bytes)
        {
            if (keys.Length > 0 && b == keys[_matched])
            {
                if (++_matched < keys.Length)
                    continue;
                found = true;
                break;
            }
            passed.AddRange(keys[.._matched]);
            _matched = 0;
            if (keys.Length > 0 && b == keys[0])
                _matched = 1;
            else
                passed.Add(b);
        }
        return [.. passed];
    }

    private static byte? ControlCode(char c) => c switch
    {
        >= 'a' and <= 'z' => (byte)(c - 'a' + 1),
        '@' => 0,
        '[' => 27,
        '\\' => 28,
        ']' => 29,
        '^' => 30,
        '_' => 31,
        _ => null,
    };
}
