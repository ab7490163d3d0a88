using System.Diagnostics;
using Berth.Faults;
using Berth.Oci.Runtime;
using Test = Berth.Runtime.Seccomp.FilterProgram.Test;

namespace Berth.Runtime.Seccomp;

/// <summary>Writes the search for one call convention: from the call's number, in the accumulator, to its answer.</summary>
internal sealed class SeccompSearch(FilterProgram program, SeccompSpec spec, IReadOnlyDictionary<string, uint> table)
{
    private const uint ArgumentsOffset = 16;
    private const uint ArgumentsMax = 6;
    private readonly uint _default = SeccompActions.Parse(spec.DefaultAction, spec.DefaultErrnoRet);

    // What one call number is answered with: the rules with conditions, then the answer without.
    private sealed record Verdict(uint Otherwise, IReadOnlyList<Rule> Rules, bool IsDecided = false)
    {
        public bool IsPlain => Rules.Count == 0;
    }

    private sealed record Rule(IReadOnlyList<SyscallArgument> Conditions, uint Action)
    {
        public bool CoversAllOf(Rule other) => Conditions.All(other.Conditions.Contains);
    }

    private readonly record struct Range(uint First, Verdict Verdict);

    /// <summary>Writes it; every path through it ends.</summary>
    public void Emit()
    {
        List<Range> ranges = Ranges();
        EmitHalf(ranges, 0, ranges.Count);
    }

    private List<Range> Ranges()
    {
        Dictionary<uint, Verdict> verdicts = Verdicts();
        uint newest = table.Values.Max();
        Verdict plain = new(_default, []);
        List<Range> ranges = [];
        for (uint number = 0; number <= newest; number++)
        {
            Verdict verdict = verdicts.GetValueOrDefault(number, plain);
            if (ranges.Count == 0 || !verdict.IsPlain || !ranges[^1].Verdict.IsPlain
                || ranges[^1].Verdict.Otherwise != verdict.Otherwise)
                ranges.Add(new Range(number, verdict));
        }
        ranges.Add(new Range(newest + 1, new Verdict(SeccompActions.Errno(SeccompActions.ENOSYS), [])));
        return ranges;
    }

    // Several rules for one call mean what they mean to libseccomp, by which profiles are written: a rule that says what the default
    // says is none, the first without conditions decides, and what comes after it is nothing. Otherwise a later rule would lift a denial.
    private Dictionary<uint, Verdict> Verdicts()
    {
        Dictionary<uint, Verdict> verdicts = [];
        foreach (SyscallRule rule in spec.Syscalls ?? [])
        {
            uint action = SeccompActions.Parse(rule.Action, rule.ErrnoRet);
            IReadOnlyList<SyscallArgument> conditions = [.. (rule.Args ?? []).Select(Checked)];
            foreach (string name in action == _default ? [] : rule.Names)
            {
                // A policy names the calls of all kernels and processors; those this one has not are no concern of it.
                if (!table.TryGetValue(name, out uint number))
                    continue;
                Verdict before = verdicts.GetValueOrDefault(number) ?? new Verdict(_default, []);
                if (before.IsDecided)
                    continue;
                verdicts[number] = conditions.Count == 0
                    ? new Verdict(action, [], IsDecided: true)
                    : Split(conditions).Aggregate(before, (verdict, set) => With(verdict, new Rule(set, action), name));
            }
        }
        return verdicts;
    }

    // The rule with the fewer conditions decides, as one that has none does.
    private static Verdict With(Verdict verdict, Rule added, string call)
    {
        foreach (Rule rule in verdict.Rules.Where(rule => rule.CoversAllOf(added)))
        {
            if (rule.Action != added.Action && added.CoversAllOf(rule))
                throw FaultException.Invalid($"seccomp profile: two rules for {call} have the same conditions and different actions");
            return verdict;
        }
        return verdict with { Rules = [.. verdict.Rules.Where(rule => !added.CoversAllOf(rule)), added] };
    }

    // In the one form in which two conditions that mean the same are equal.
    private static SyscallArgument Checked(SyscallArgument argument) => argument switch
    {
        { Index: >= ArgumentsMax } => throw FaultException.Invalid($"seccomp profile: there is no argument {argument.Index}"),
        { Op: "SCMP_CMP_MASKED_EQ" } => argument with { ValueTwo = argument.ValueTwo & argument.Value },
        { Op: "SCMP_CMP_EQ" or "SCMP_CMP_NE" or "SCMP_CMP_GT" or "SCMP_CMP_GE" or "SCMP_CMP_LT" or "SCMP_CMP_LE" } =>
            argument with { ValueTwo = 0 },
        _ => throw FaultException.Invalid($"seccomp profile: there is no operator {argument.Op}"),
    };

    // Conditions on different arguments must all hold. Several on one argument are alternatives: so runc reads them, and
    // profiles in the field rely on it.
    private static IEnumerable<IReadOnlyList<SyscallArgument>> Split(IReadOnlyList<SyscallArgument> conditions) =>
        conditions.DistinctBy(condition => condition.Index).Count() == conditions.Count
            ? [conditions]
            : conditions.Select(condition => (IReadOnlyList<SyscallArgument>)[condition]);

    private void EmitHalf(List<Range> ranges, int from, int to)
    {
        if (to - from == 1)
        {
            EmitVerdict(ranges[from].Verdict);
            return;
        }
        int middle = (from + to) / 2;
        int upper = program.NewLabel();
        program.JumpIf(Test.GreaterOrEqual, ranges[middle].First, upper);
        EmitHalf(ranges, from, middle);
        program.Place(upper);
        EmitHalf(ranges, middle, to);
    }

    private void EmitVerdict(Verdict verdict)
    {
        foreach (Rule rule in verdict.Rules.OrderBy(static rule => rule.Conditions, ConditionOrder.Instance))
        {
            int next = program.NewLabel();
            foreach (SyscallArgument condition in rule.Conditions)
                EmitCondition(condition, next);
            program.End(rule.Action);
            program.Place(next);
        }
        program.End(verdict.Otherwise);
    }

    // Arguments are 64 bits and the accumulator 32: high half first, as the order of numbers goes.
    private void EmitCondition(SyscallArgument argument, int fails)
    {
        uint low = ArgumentsOffset + (argument.Index * 8);
        uint high = low + 4;
        (uint wantedHigh, uint wantedLow) = ((uint)(argument.Value >> 32), (uint)argument.Value);
        switch (argument.Op)
        {
            case "SCMP_CMP_EQ":
                EmitEqual(high, wantedHigh, uint.MaxValue, fails);
                EmitEqual(low, wantedLow, uint.MaxValue, fails);
                break;
            case "SCMP_CMP_MASKED_EQ":
                EmitEqual(high, (uint)(argument.ValueTwo >> 32), wantedHigh, fails);
                EmitEqual(low, (uint)argument.ValueTwo, wantedLow, fails);
                break;
            case "SCMP_CMP_NE":
                int differs = program.NewLabel();
                EmitEqual(high, wantedHigh, uint.MaxValue, differs);
                program.Load(low);
                program.JumpIf(Test.Equal, wantedLow, fails);
                program.Place(differs);
                break;
            case "SCMP_CMP_GT":
                EmitOrder(high, low, argument.Value, Test.Greater, whenTrue: true, fails);
                break;
            case "SCMP_CMP_GE":
                EmitOrder(high, low, argument.Value, Test.GreaterOrEqual, whenTrue: true, fails);
                break;
            case "SCMP_CMP_LT":
                EmitOrder(high, low, argument.Value, Test.GreaterOrEqual, whenTrue: false, fails);
                break;
            case "SCMP_CMP_LE":
                EmitOrder(high, low, argument.Value, Test.Greater, whenTrue: false, fails);
                break;
            default:
                throw new UnreachableException(argument.Op);
        }
    }

    private void EmitEqual(uint offset, uint wanted, uint mask, int fails)
    {
        program.Load(offset);
        if (mask != uint.MaxValue)
            program.And(mask);
        program.JumpUnless(Test.Equal, wanted, fails);
    }

    private void EmitOrder(uint high, uint low, ulong value, Test test, bool whenTrue, int fails)
    {
        int decided = program.NewLabel();
        (uint wantedHigh, uint wantedLow) = ((uint)(value >> 32), (uint)value);
        program.Load(high);
        program.JumpIf(Test.Greater, wantedHigh, whenTrue ? decided : fails);
        program.JumpUnless(Test.Equal, wantedHigh, whenTrue ? fails : decided);
        program.Load(low);
        if (whenTrue)
            program.JumpUnless(test, wantedLow, fails);
        else
            program.JumpIf(test, wantedLow, fails);
        program.Place(decided);
    }
}
