using System.Buffers.Binary;

namespace Berth.Runtime.Seccomp;

/// <summary>Builds a classic BPF program: instructions with labels for the places they jump to.</summary>
/// <remarks>seccomp(2), linux/filter.h. Conditional jumps reach 255 instructions; farther ones go over an unconditional jump, which
/// is why conditions here always name one far place and fall through to the other.</remarks>
internal sealed class FilterProgram
{
    /// <summary>BPF_MAXINSNS.</summary>
    public const int InstructionsMax = 4096;

    private const ushort LoadWordAbsolute = 0x20;
    private const ushort AndValue = 0x54;
    private const ushort JumpAlways = 0x05;
    private const ushort Return = 0x06;
    private readonly List<(ushort Code, byte True, byte False, uint Value)> _code = [];
    private readonly List<(int Jump, int Label)> _jumps = [];
    private readonly List<int> _labels = [];

    /// <summary>Comparison of the accumulator with a value.</summary>
    public enum Test : ushort
    {
        /// <summary>Equal.</summary>
        Equal = 0x15,

        /// <summary>Greater, unsigned.</summary>
        Greater = 0x25,

        /// <summary>Greater or equal, unsigned.</summary>
        GreaterOrEqual = 0x35,
    }

    /// <summary>A place to be jumped to, put down later.</summary>
    public int NewLabel()
    {
        _labels.Add(-1);
        return _labels.Count - 1;
    }

    /// <summary>The next instruction is what the label names.</summary>
    public void Place(int label) => _labels[label] = _code.Count;

    /// <summary>Loads 32 bits of struct seccomp_data.</summary>
    public void Load(uint offset) => _code.Add((LoadWordAbsolute, 0, 0, offset));

    /// <summary>Masks the accumulator.</summary>
    public void And(uint mask) => _code.Add((AndValue, 0, 0, mask));

    /// <summary>Ends with an action.</summary>
    public void End(uint action) => _code.Add((Return, 0, 0, action));

    /// <summary>Goes on elsewhere.</summary>
    public void Jump(int label)
    {
        _jumps.Add((_code.Count, label));
        _code.Add((JumpAlways, 0, 0, 0));
    }

    /// <summary>Goes on elsewhere when the test is true, else with the next instruction.</summary>
    public void JumpIf(Test test, uint value, int label)
    {
        _code.Add(((ushort)test, 0, 1, value));
        Jump(label);
    }

    /// <summary>Goes on elsewhere when the test is false, else with the next instruction.</summary>
    public void JumpUnless(Test test, uint value, int label)
    {
        _code.Add(((ushort)test, 1, 0, value));
        Jump(label);
    }

    /// <summary>The program as an array of struct sock_filter.</summary>
    /// <exception cref="Faults.FaultException">InvalidArgument: longer than the kernel takes.</exception>
    public byte[] ToBytes()
    {
        if (_code.Count > InstructionsMax)
            throw Faults.FaultException.Invalid($"seccomp profile: {_code.Count} filter instructions, the kernel takes {InstructionsMax}");
        foreach ((int jump, int label) in _jumps)
            _code[jump] = _code[jump] with { Value = (uint)(_labels[label] - jump - 1) };
        byte[] bytes = new byte[_code.Count * 8];
        for (int i = 0; i < _code.Count; i++)
        {
            Span<byte> at = bytes.AsSpan(i * 8);
            BinaryPrimitives.WriteUInt16LittleEndian(at, _code[i].Code);
            at[2] = _code[i].True;
            at[3] = _code[i].False;
            BinaryPrimitives.WriteUInt32LittleEndian(at[4..], _code[i].Value);
        }
        return bytes;
    }
}
