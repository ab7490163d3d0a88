using Berth.Faults;
using Berth.Oci.Runtime;

namespace Berth.Runtime.Seccomp;

/// <summary>Turns a system call policy into the filter program that the kernel runs at every call.</summary>
/// <remarks>
/// Calls with the same answer are joined to ranges, and the ranges are searched by halves: about nine comparisons for any call,
/// where a list of rules costs hundreds. A call number that is newer than our tables answers ENOSYS, so that programs fall back as
/// on an older kernel instead of failing (what runc does too). A call convention that the policy does not name ends the process.
/// </remarks>
public static class SeccompCompiler
{
    private const uint AuditArchX64 = 0xC000003E;
    private const uint AuditArchI386 = 0x40000003;
    private const uint X32Bit = 0x40000000;
    private const uint OffsetNumber = 0;
    private const uint OffsetArchitecture = 4;

    /// <summary>Compiles a policy for this machine.</summary>
    /// <returns>An array of struct sock_filter, 8 bytes each.</returns>
    /// <exception cref="FaultException">InvalidArgument: an action, operator or architecture that does not exist, or too many rules.
    /// NotSupported: a convention of another processor only.</exception>
    public static byte[] Compile(SeccompSpec spec)
    {
        SeccompCheck.Check(spec);
        FilterProgram program = new();
        IReadOnlyList<string> architectures = spec.Architectures ?? [];
        int i386 = program.NewLabel();
        int foreign = program.NewLabel();
        int x32 = program.NewLabel();

        program.Load(OffsetArchitecture);
        program.JumpUnless(FilterProgram.Test.Equal, AuditArchX64, i386);
        program.Load(OffsetNumber);
        program.JumpIf(FilterProgram.Test.GreaterOrEqual, X32Bit, x32);
        // The native convention is always in, whether or not it is listed; libseccomp does the same.
        new SeccompSearch(program, spec, SyscallTables.X64).Emit();

        program.Place(x32);
        if (architectures.Contains("SCMP_ARCH_X32"))
        {
            program.And(~X32Bit);
            new SeccompSearch(program, spec, SyscallTables.X32).Emit();
        }
        else
            program.End(SeccompActions.Errno(SeccompActions.ENOSYS));

        program.Place(i386);
        program.JumpUnless(FilterProgram.Test.Equal, AuditArchI386, foreign);
        if (architectures.Contains("SCMP_ARCH_X86"))
        {
            program.Load(OffsetNumber);
            new SeccompSearch(program, spec, SyscallTables.I386).Emit();
        }
        program.Place(foreign);
        program.End(SeccompActions.KillProcess);
        return program.ToBytes();
    }
}
