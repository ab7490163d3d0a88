using System.Buffers.Binary;
using Berth.Linux.Bpf;
using Berth.Oci.Runtime;

namespace Berth.Runtime.Cgroups;

/// <summary>Compiles device rules into the eBPF program that version 2 wants in place of a file.</summary>
/// <remarks>
/// The kernel hands the program a struct bpf_cgroup_dev_ctx: access type (device type in the low, access bits in the high 16 bits),
/// major, minor. The rules are tried last to first, so that the last that matches decides, as in version 1; no match is a refusal.
/// </remarks>
internal static class DeviceRules
{
    private const uint BPF_DEVCG_ACC_MKNOD = 1;
    private const uint BPF_DEVCG_ACC_READ = 2;
    private const uint BPF_DEVCG_ACC_WRITE = 4;
    private const uint BPF_DEVCG_DEV_BLOCK = 1;
    private const uint BPF_DEVCG_DEV_CHAR = 2;

    // Instruction classes and operations of linux/bpf.h.
    private const byte LoadWord = 0x61;
    private const byte MoveRegister = 0xbf;
    private const byte MoveValue = 0xb7;
    private const byte AndValue = 0x57;
    private const byte ShiftRightValue = 0x77;
    private const byte JumpUnequalValue = 0x55;
    private const byte JumpUnequalRegister = 0x5d;
    private const byte Exit = 0x95;

    // Registers: r1 is the context; r2 type, r3 access, r4 major, r5 minor; r6 is for work, r0 the answer.
    private const int Answer = 0;
    private const int Context = 1;
    private const int Type = 2;
    private const int Access = 3;
    private const int Major = 4;
    private const int Minor = 5;
    private const int Work = 6;

    /// <summary>The program for some rules, in the order given.</summary>
    public static byte[] Compile(IReadOnlyList<DeviceRule> rules)
    {
        List<ulong> code =
        [
            Instruction(LoadWord, Type, Context, 0, 0),
            Instruction(MoveRegister, Access, Type, 0, 0),
            Instruction(AndValue, Type, 0, 0, 0xffff),
            Instruction(ShiftRightValue, Access, 0, 0, 16),
            Instruction(LoadWord, Major, Context, 4, 0),
            Instruction(LoadWord, Minor, Context, 8, 0),
        ];
        bool total = false;
        for (int i = rules.Count - 1; i >= 0 && !total; i--)
            total = AddRule(code, rules[i]);
        if (!total)
            AddAnswer(code, allow: false);

        byte[] program = new byte[code.Count * DeviceProgram.InstructionSize];
        for (int i = 0; i < code.Count; i++)
            BinaryPrimitives.WriteUInt64LittleEndian(program.AsSpan(i * DeviceProgram.InstructionSize), code[i]);
        return program;
    }

    // Returns true for a rule that matches everything: what would come after it could never run, which the verifier refuses.
    private static bool AddRule(List<ulong> code, DeviceRule rule)
    {
        List<(byte Code, int Register, int Source, uint Value)> conditions = [];
        if (rule.Type is "c" or "u")
            conditions.Add((JumpUnequalValue, Type, 0, BPF_DEVCG_DEV_CHAR));
        else if (rule.Type is "b")
            conditions.Add((JumpUnequalValue, Type, 0, BPF_DEVCG_DEV_BLOCK));
        uint access = AccessBits(rule.Access);
        bool partialAccess = access != (BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE);
        if (rule.Major is >= 0)
            conditions.Add((JumpUnequalValue, Major, 0, (uint)rule.Major));
        if (rule.Minor is >= 0)
            conditions.Add((JumpUnequalValue, Minor, 0, (uint)rule.Minor));

        int length = conditions.Count + (partialAccess ? 3 : 0) + 2;
        int start = code.Count;
        if (partialAccess)
        {
            // An allowing rule must cover all that is asked for; a denying one refuses when it covers any of it. Both are
            // kept as the former, which is what version 1 does with several accesses in one open.
            code.Add(Instruction(MoveRegister, Work, Access, 0, 0));
            code.Add(Instruction(AndValue, Work, 0, 0, access));
            code.Add(Instruction(JumpUnequalRegister, Work, Access, (short)(start + length - code.Count - 1), 0));
        }
        foreach ((byte operation, int register, int source, uint value) in conditions)
            code.Add(Instruction(operation, register, source, (short)(start + length - code.Count - 1), value));
        AddAnswer(code, rule.Allow);
        return conditions.Count == 0 && !partialAccess;
    }

    private static void AddAnswer(List<ulong> code, bool allow)
    {
        code.Add(Instruction(MoveValue, Answer, 0, 0, allow ? 1u : 0u));
        code.Add(Instruction(Exit, 0, 0, 0, 0));
    }

    private static uint AccessBits(string? access)
    {
        if (string.IsNullOrEmpty(access))
            return BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE;
        return (access.Contains('m') ? BPF_DEVCG_ACC_MKNOD : 0)
            | (access.Contains('r') ? BPF_DEVCG_ACC_READ : 0)
            | (access.Contains('w') ? BPF_DEVCG_ACC_WRITE : 0);
    }

    private static ulong Instruction(byte code, int destination, int source, short offset, uint value) =>
        code | ((ulong)(destination | (source << 4)) << 8) | ((ulong)(ushort)offset << 16) | ((ulong)value << 32);
}
