using Berth.Faults;

namespace Berth.Engine;

/// <summary>Watches what is typed for the keys that let go of a container, holding back what might become them.</summary>
internal sealed class DetachKeys
{
    /// <summary>The longest sequence that is accepted.</summary>
    public const int KeysMax = 32;

    private readonly byte[] _keys;
    private int _matched;

    private DetachKeys(byte[] keys) => _keys = keys;

    /// <summary>Reads keys as <c>ctrl-p,ctrl-q</c> or <c>a,b</c>; null or empty: the default.</summary>
    /// <exception cref="FaultException">InvalidArgument, with Docker's text.</exception>
    public static DetachKeys Parse(string? text)
    {
        if (string.IsNullOrEmpty(text))
            return new DetachKeys([16, 17]);
        string[] parts = text.Split(',');
        if (parts.Length > KeysMax)
            throw FaultException.Invalid($"Invalid detach keys ({text}) provided");
        return new DetachKeys([.. parts.Select(part => ParseKey(part, text))]);
    }

    /// <summary>Passes typed bytes on, without those that belong to a sequence under way.</summary>
    /// <param name="typed">What was typed.</param>
    /// <param name="forward">What may go to the container now.</param>
    /// <returns>True when the sequence is complete; what follows it is dropped.</returns>
    public bool Feed(ReadOnlySpan<byte> typed, List<byte> forward)
    {
        foreach (byte key in typed)
        {
            if (key == _keys[_matched])
            {
                if (++_matched == _keys.Length)
                    return true;
                continue;
            }
            for (int i = 0; i < _matched; i++)
                forward.Add(_keys[i]);
            _matched = key == _keys[0] ? 1 : 0;
            if (_matched == 0)
                forward.Add(key);
            else if (_keys.Length == 1)
                return true;
        }
        return false;
    }

    private static byte ParseKey(string part, string whole) => part switch
    {
        [char single] when single < 128 => (byte)single,
        ['c', 't', 'r', 'l', '-', char letter] when letter is >= 'a' and <= 'z' => (byte)(letter - 'a' + 1),
        ['c', 't', 'r', 'l', '-', char letter] when letter is >= 'A' and <= 'Z' => (byte)(letter - 'A' + 1),
        "ctrl-@" => 0,
        "ctrl-[" => 27,
        "ctrl-\\" => 28,
        "ctrl-]" => 29,
        "ctrl-^" => 30,
        "ctrl-_" => 31,
        "DEL" => 127,
        _ => throw FaultException.Invalid($"Invalid detach keys ({whole}) provided: Unknown character: '{part}'"),
    };
}
