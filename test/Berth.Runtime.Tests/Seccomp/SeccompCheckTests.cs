using Berth.Faults;
using Berth.Oci.Runtime;
using Berth.Runtime.Seccomp;

namespace Berth.Runtime.Tests.Seccomp;

/// <summary>What a policy says wrongly is refused, not cut off or passed over.</summary>
public sealed class SeccompCheckTests
{
    private static string Refusal(SeccompSpec spec) => Assert.Throws<FaultException>(() => SeccompCompiler.Compile(spec)).Message;

    private static SeccompSpec Policy(string action, uint number) => new()
    {
        DefaultAction = "SCMP_ACT_ALLOW", Syscalls = [new SyscallRule { Names = ["mkdir"], Action = action, ErrnoRet = number }],
    };

    [Theory]
    [InlineData("SCMP_ARCH_FOO")]
    [InlineData("SCMP_ARCH_X68_64")]
    [InlineData("X86_64")]
    public void UnknownArchitecture_IsRefused(string name) => Assert.Equal($"string {name} is not a valid arch for seccomp",
        Refusal(new SeccompSpec { DefaultAction = "SCMP_ACT_ALLOW", Architectures = ["SCMP_ARCH_X86_64", name] }));

    [Fact]
    public void ArchitecturesOfOthers_AreTaken() => SeccompCompiler.Compile(new SeccompSpec
    {
        DefaultAction = "SCMP_ACT_ALLOW", Architectures = ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64", "SCMP_ARCH_RISCV64"],
    });

    [Fact]
    public void NumberThatDoesNotFit_IsRefused()
    {
        Assert.Equal("seccomp profile: errnoRet of mkdir: 70000 is too large: at most 4095", Refusal(Policy("SCMP_ACT_ERRNO", 70000)));
        Assert.Equal("seccomp profile: errnoRet of mkdir: 70000 is too large: at most 65535", Refusal(Policy("SCMP_ACT_TRACE", 70000)));
        Assert.Equal("seccomp profile: defaultErrnoRet: 4096 is too large: at most 4095",
            Refusal(new SeccompSpec { DefaultAction = "SCMP_ACT_ERRNO", DefaultErrnoRet = 4096 }));
        SeccompCompiler.Compile(Policy("SCMP_ACT_ERRNO", 4095));
        SeccompCompiler.Compile(Policy("SCMP_ACT_TRACE", 65535));
    }
}
