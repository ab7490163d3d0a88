using Berth.Oci.Runtime;

namespace Berth.Runtime.Seccomp;

/// <summary>The order in which rules with conditions are tried where several fit one call: that of libseccomp, whatever order they are
/// written in. Of one argument, equal goes before unequal and that before a range, of two ranges the narrower; a later argument goes before
/// an earlier one.</summary>
/// <remarks>Measured with runc 1.1.5 and libseccomp 2.5.4, which document no order.</remarks>
internal sealed class ConditionOrder : IComparer<IReadOnlyList<SyscallArgument>>
{
    private const int Equality = 0, Difference = 1, Below = 2, Above = 3;

    /// <summary>The only one.</summary>
    public static ConditionOrder Instance { get; } = new();

    /// <inheritdoc/>
    public int Compare(IReadOnlyList<SyscallArgument>? x, IReadOnlyList<SyscallArgument>? y) =>
        ByArgument(x).Zip(ByArgument(y)).Select(static pair => Compare(pair.First, pair.Second)).FirstOrDefault(static order => order != 0);

    private static IEnumerable<SyscallArgument> ByArgument(IReadOnlyList<SyscallArgument>? conditions) =>
        (conditions ?? []).OrderBy(static condition => condition.Index);

    private static int Compare(SyscallArgument x, SyscallArgument y)
    {
        if (x.Index != y.Index)
            return y.Index.CompareTo(x.Index);
        int kind = KindOf(x).CompareTo(KindOf(y));
        return kind != 0 ? kind : KindOf(x) switch
        {
            Equality => 0,
            Below => BoundOf(x).CompareTo(BoundOf(y)),
            _ => BoundOf(y).CompareTo(BoundOf(x)),
        };
    }

    private static int KindOf(SyscallArgument condition) => condition.Op switch
    {
        "SCMP_CMP_NE" => Difference,
        "SCMP_CMP_LT" or "SCMP_CMP_LE" => Below,
        "SCMP_CMP_GT" or "SCMP_CMP_GE" => Above,
        _ => Equality,
    };

    // "Less or equal" reaches one further than "less", "greater" begins one later than "greater or equal".
    private static (ulong Value, bool IsNext) BoundOf(SyscallArgument condition) =>
        (condition.Value, condition.Op is "SCMP_CMP_LE" or "SCMP_CMP_GT");
}
