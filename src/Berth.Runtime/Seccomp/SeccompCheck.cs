using Berth.Faults;
using Berth.Oci.Runtime;

namespace Berth.Runtime.Seccomp;

/// <summary>Refuses what no filter can be made of, and what would be cut off without a word.</summary>
/// <remarks>OCI runtime-spec 1.2, "Seccomp"; seccomp(2): an error number is at most MAX_ERRNO, a tracer's word has 16 bits.</remarks>
internal static class SeccompCheck
{
    private const uint ErrnoMax = 4095, TraceMax = ushort.MaxValue;
    private const string Prefix = "SCMP_ARCH_";

    private static readonly HashSet<string> s_architectures = [.. ("X86 X86_64 X32 ARM AARCH64 MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 "
        + "MIPSEL64N32 PPC PPC64 PPC64LE S390 S390X PARISC PARISC64 RISCV64 LOONGARCH64 M68K SH SHEB").Split(' ')
        .Select(static name => Prefix + name)];

    /// <exception cref="FaultException">InvalidArgument: no such architecture, or a number that does not fit.</exception>
    public static void Check(SeccompSpec spec)
    {
        // In runc's words.
        if (spec.Architectures?.FirstOrDefault(static name => !s_architectures.Contains(name)) is { } unknown)
            throw FaultException.Invalid($"string {unknown} is not a valid arch for seccomp");
        CheckData("defaultErrnoRet", spec.DefaultAction, spec.DefaultErrnoRet);
        foreach (SyscallRule rule in spec.Syscalls ?? [])
            CheckData($"errnoRet of {(rule.Names is [string first, ..] ? first : "")}", rule.Action, rule.ErrnoRet);
    }

    private static void CheckData(string what, string action, uint? data)
    {
        uint most = action == "SCMP_ACT_TRACE" ? TraceMax : ErrnoMax;
        if (data > most)
            throw FaultException.Invalid($"seccomp profile: {what}: {data} is too large: at most {most}");
    }
}
