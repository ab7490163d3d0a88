using System.Buffers.Binary;
using System.Globalization;
using Berth.Faults;
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
    private const uint AllAccess = BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE;
    private const uint BPF_DEVCG_DEV_BLOCK = 1;
    private const uint BPF_DEVCG_DEV_CHAR = 2;

    // Instruction classes and operations of linux/bpf.h.
    private const byte LoadWord = 0x61;
    private const byte MoveRegister = 0xbf;
    private const byte MoveValue = 0xb7;
    private const byte AndValue = 0x57;
    private const byte ShiftRightValue = 0x77;
    private const byte JumpEqualValue = 0x15;
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

    /// <summary>Refuses what is no rule of a configuration, in runc's words.</summary>
    /// <exception cref="FaultException">InvalidArgument: a type or an access that does not exist, or no access.</exception>
    public static void Check(IReadOnlyList<DeviceRule> rules)
    {
        for (int i = 0; i < rules.Count; i++)
        {
            if (rules[i].Major < -1 || rules[i].Minor < -1)
                throw FaultException.Invalid($"device rule at {i}: {rules[i].Major}:{rules[i].Minor} is no device: -1 means any number");
            if (string.IsNullOrEmpty(rules[i].Access))
                throw FaultException.Invalid($"device access at {i} field cannot be empty");
            if (rules[i].Type is not (null or "" or "a" or "b" or "c"))
                throw FaultException.Invalid($"invalid cgroup device type \"{rules[i].Type}\"");
            if (rules[i].Access!.Except("rwm").Any())
                throw FaultException.Invalid($"invalid device access \"{rules[i].Access}\" at {i}: it is made of r, w and m");
        }
    }

    // Rules in the form that the two below are made from: what no rule names is denied, and a rule for everything is the only one without a
    // type. Version 1 takes every rule of the type "a" for that.
    private static List<DeviceRule> Plain(IReadOnlyList<DeviceRule> rules)
    {
        List<DeviceRule> plain = [];
        if (rules.Count > 0 && !IsTotal(rules[0]))
            plain.Add(new DeviceRule { Allow = false });
        foreach (DeviceRule rule in rules)
        {
            if (IsTotal(rule))
                plain.Add(new DeviceRule { Allow = rule.Allow });
            else if (rule.Type is null or "" or "a")
                plain.AddRange([rule with { Type = "b" }, rule with { Type = "c" }]);
            else
                plain.Add(rule.Type == "u" ? rule with { Type = "c" } : rule);
        }
        return plain;
    }

    /// <summary>Plain rules for whoever goes by their order: without one that is overruled, where that can be said.</summary>
    public static IReadOnlyList<DeviceRule> Ordered(IReadOnlyList<DeviceRule> rules) =>
        Plain(rules) is var plain && DeviceList.TryReduce(plain, out _) is { } list ? list : plain;

    /// <summary>Rules for the kernel's version 1, to which their order means nothing.</summary>
    /// <exception cref="FaultException">InvalidArgument: some devices are excepted from a wider rule, which it cannot do.</exception>
    public static IReadOnlyList<DeviceRule> Unordered(IReadOnlyList<DeviceRule> rules) =>
        DeviceList.TryReduce(Plain(rules), out var hole) ?? throw FaultException.Invalid(
            $"device rule \"{Words(hole!.Value.Rule)}\" is not supported by version 1 of cgroups: it cannot take devices out of the wider "
            + $"rule \"{Words(hole.Value.Wider)}\"; name the devices that the wider one is for");

    private static string Words(DeviceRule rule) => $"{(rule.Allow ? "allow" : "deny")} {Text(rule)}";

    /// <summary>A plain rule in the kernel's words; "a" stands alone: it is everything, and the kernel takes no numbers with it.</summary>
    public static string Text(DeviceRule rule) => rule.Type is null
        ? "a"
        : $"{rule.Type} {Number(rule.Major)}:{Number(rule.Minor)} {(rule.Access is { Length: > 0 } access ? access : "rwm")}";

    private static string Number(long? number) => number is null or < 0 ? "*" : number.Value.ToString(CultureInfo.InvariantCulture);

    // To version 1 and to runc, what denies one access to everything denies all.
    private static bool IsTotal(DeviceRule rule) => rule.Type is null or "" or "a" && rule.Major is not >= 0 && rule.Minor is not >= 0
        && (!rule.Allow || AccessBits(rule.Access) == AllAccess);

    /// <summary>They leave no device out.</summary>
    public static bool AllowAll(IReadOnlyList<DeviceRule> rules) =>
        DeviceList.TryReduce(Plain(rules), out _) is { Count: 1 } list && list[0] is { Type: null, Allow: true };

    /// <summary>The program for some rules, in the order given.</summary>
    public static byte[] Compile(IReadOnlyList<DeviceRule> rules)
    {
        rules = Ordered(rules);
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
        if (rule.Type is "c")
            conditions.Add((JumpUnequalValue, Type, 0, BPF_DEVCG_DEV_CHAR));
        else if (rule.Type is "b")
            conditions.Add((JumpUnequalValue, Type, 0, BPF_DEVCG_DEV_BLOCK));
        uint access = AccessBits(rule.Access);
        bool partialAccess = access != AllAccess;
        if (rule.Major is >= 0)
            conditions.Add((JumpUnequalValue, Major, 0, (uint)rule.Major));
        if (rule.Minor is >= 0)
            conditions.Add((JumpUnequalValue, Minor, 0, (uint)rule.Minor));

        int length = conditions.Count + (partialAccess ? 3 : 0) + 2;
        int start = code.Count;
        if (partialAccess)
        {
            // An allowing rule must cover all that is asked for; a denying one refuses when it covers any of it.
            code.Add(Instruction(MoveRegister, Work, Access, 0, 0));
            code.Add(Instruction(AndValue, Work, 0, 0, access));
            short over = (short)(start + length - code.Count - 1);
            code.Add(rule.Allow ? Instruction(JumpUnequalRegister, Work, Access, over, 0) : Instruction(JumpEqualValue, Work, 0, over, 0));
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
            return AllAccess;
        return (access.Contains('m') ? BPF_DEVCG_ACC_MKNOD : 0)
            | (access.Contains('r') ? BPF_DEVCG_ACC_READ : 0)
            | (access.Contains('w') ? BPF_DEVCG_ACC_WRITE : 0);
    }

    private static ulong Instruction(byte code, int destination, int source, short offset, uint value) =>
        code | ((ulong)(destination | (source << 4)) << 8) | ((ulong)(ushort)offset << 16) | ((ulong)value << 32);
}
