using Berth.Faults;
using Berth.Oci.Runtime;
using Berth.Runtime.Seccomp;

namespace Berth.Runtime.Tests.Seccomp;

public sealed class SeccompCompilerTests
{
    private const uint Allow = 0x7fff0000;
    private const uint Eperm = 0x00050001;
    private const uint Log = 0x7ffc0000;
    private const uint Enosys = 0x00050026;
    private const uint KillProcess = 0x80000000;
    private const uint Newest = 469;

    private static readonly string[] s_docker =
    [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID", "CAP_SETUID",
        "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE",
    ];

    [Theory]
    [InlineData("read", Allow)]
    [InlineData("execve", Allow)]
    [InlineData("chroot", Allow)]
    [InlineData("mount", Eperm)]
    [InlineData("unshare", Eperm)]
    [InlineData("setns", Eperm)]
    [InlineData("bpf", Eperm)]
    [InlineData("keyctl", Eperm)]
    [InlineData("add_key", Eperm)]
    [InlineData("userfaultfd", Eperm)]
    [InlineData("io_uring_setup", Eperm)]
    [InlineData("kexec_load", Eperm)]
    [InlineData("init_module", Eperm)]
    [InlineData("open_by_handle_at", Eperm)]
    [InlineData("reboot", Eperm)]
    [InlineData("swapon", Eperm)]
    [InlineData("clone3", Enosys)]
    [InlineData("personality", Allow)]
    public void Default_Call_IsAnsweredAsDockerDoes(string call, uint action)
    {
        byte[] program = SeccompCompiler.Compile(DefaultSeccomp.Profile(s_docker));
        Assert.Equal(action, FilterInterpreter.Run(program, FilterInterpreter.X64, SyscallTables.X64[call]).Action);
        Assert.Equal(action, FilterInterpreter.Run(program, FilterInterpreter.I386, SyscallTables.I386[call]).Action);
    }

    [Theory]
    [InlineData("clone", 0x11ul, Allow)]
    [InlineData("clone", 0x3d0f00ul, Allow)]
    [InlineData("clone", 0x10000000ul, Eperm)]
    [InlineData("clone", 0x20000011ul, Eperm)]
    [InlineData("socket", 2ul, Allow)]
    [InlineData("socket", 0ul, Allow)]
    [InlineData("socket", 31ul, Allow)]
    [InlineData("socket", 37ul, Allow)]
    [InlineData("socket", 38ul, Eperm)]
    [InlineData("socket", 39ul, Allow)]
    [InlineData("socket", 40ul, Eperm)]
    [InlineData("socket", 41ul, Allow)]
    [InlineData("socket", 45ul, Allow)]
    // The kernel reads an int: what the upper half of the register holds is nothing to it.
    [InlineData("socket", 0x1_0000_0002ul, Allow)]
    [InlineData("socket", 0x1_0000_0026ul, Eperm)]
    [InlineData("socket", 0xffff_ffff_0000_0028ul, Eperm)]
    [InlineData("socket", 0x80000028ul, Eperm)]
    [InlineData("personality", 0x20008ul, Allow)]
    [InlineData("personality", 0x40000ul, Eperm)]
    [InlineData("personality", 0xfffffffful, Allow)]
    [InlineData("personality", 0x1_0000_0000ul, Eperm)]
    public void Default_Argument_Decides(string call, ulong argument, uint action)
    {
        byte[] program = SeccompCompiler.Compile(DefaultSeccomp.Profile(s_docker));
        Assert.Equal(action, FilterInterpreter.Run(program, FilterInterpreter.X64, SyscallTables.X64[call], argument).Action);
        if (call == "socket")
            Assert.Equal(action, FilterInterpreter.Run(program, FilterInterpreter.I386, SyscallTables.I386[call], argument).Action);
    }

    [Fact]
    public void Default_CallOfAllSockets_IsUnknown()
    {
        // Which socket it is about stands in memory, where no filter looks.
        byte[] program = SeccompCompiler.Compile(DefaultSeccomp.Profile(s_docker));
        Assert.Equal(Enosys, FilterInterpreter.Run(program, FilterInterpreter.I386, SyscallTables.I386["socketcall"], 1).Action);
    }

    [Theory]
    [InlineData("CAP_SYS_ADMIN", "mount")]
    [InlineData("CAP_SYS_ADMIN", "clone3")]
    [InlineData("CAP_SYS_ADMIN", "unshare")]
    [InlineData("CAP_SYSLOG", "syslog")]
    [InlineData("CAP_SYS_TIME", "clock_settime")]
    [InlineData("CAP_PERFMON", "perf_event_open")]
    public void Default_Capability_OpensItsCalls(string capability, string call)
    {
        uint number = SyscallTables.X64[call];
        byte[] with = SeccompCompiler.Compile(DefaultSeccomp.Profile([.. s_docker, capability]));
        byte[] without = SeccompCompiler.Compile(DefaultSeccomp.Profile(s_docker));
        Assert.Equal(Allow, FilterInterpreter.Run(with, FilterInterpreter.X64, number).Action);
        Assert.NotEqual(Allow, FilterInterpreter.Run(without, FilterInterpreter.X64, number).Action);
    }

    [Fact]
    public void Default_ForeignConventions_AreClosed()
    {
        byte[] program = SeccompCompiler.Compile(DefaultSeccomp.Profile(s_docker));
        Assert.Equal(KillProcess, FilterInterpreter.Run(program, 0xC00000B7, 63).Action);
        Assert.Equal(Enosys, FilterInterpreter.Run(program, FilterInterpreter.X64, 0x40000000).Action);
        Assert.Equal(Enosys, FilterInterpreter.Run(program, FilterInterpreter.X64, Newest + 1).Action);
        Assert.Equal(Enosys, FilterInterpreter.Run(program, FilterInterpreter.X64, uint.MaxValue).Action);
    }

    [Fact]
    public void Default_EveryCall_TakesFewSteps()
    {
        byte[] program = SeccompCompiler.Compile(DefaultSeccomp.Profile(s_docker));
        foreach (uint number in SyscallTables.X64.Values)
            Assert.InRange(FilterInterpreter.Run(program, FilterInterpreter.X64, number).Steps, 1, 40);
    }

    [Fact]
    public void Default_EveryNameInTheProfile_IsACallOfSomeConvention()
    {
        string[] elsewhere = ["fstatat64"]; // 32-bit ARM's and others' name.
        IEnumerable<string> names = DefaultSeccomp.Profile([.. s_docker, "CAP_SYS_ADMIN", "CAP_BPF"]).Syscalls!
            .SelectMany(static rule => rule.Names);
        string[] old = ["getsid", "io_pgetevents_time64", "sync_file_range", "recv", "send"];
        Assert.Empty(names.Except(SyscallTables.X64.Keys).Except(SyscallTables.I386.Keys).Except([.. elsewhere, .. old]));
    }

    [Theory]
    [InlineData("SCMP_CMP_EQ", 5ul, 0ul, 5ul, true)]
    [InlineData("SCMP_CMP_EQ", 5ul, 0ul, 0x1_0000_0005ul, false)]
    [InlineData("SCMP_CMP_NE", 5ul, 0ul, 5ul, false)]
    [InlineData("SCMP_CMP_NE", 5ul, 0ul, 0x1_0000_0005ul, true)]
    [InlineData("SCMP_CMP_LT", 0x1_0000_0000ul, 0ul, 0xfffffffful, true)]
    [InlineData("SCMP_CMP_LT", 0x1_0000_0000ul, 0ul, 0x1_0000_0000ul, false)]
    [InlineData("SCMP_CMP_LE", 0x1_0000_0000ul, 0ul, 0x1_0000_0000ul, true)]
    [InlineData("SCMP_CMP_LE", 0x1_0000_0000ul, 0ul, 0x1_0000_0001ul, false)]
    [InlineData("SCMP_CMP_GT", 5ul, 0ul, 5ul, false)]
    [InlineData("SCMP_CMP_GT", 5ul, 0ul, 0x1_0000_0000ul, true)]
    [InlineData("SCMP_CMP_GE", 5ul, 0ul, 5ul, true)]
    [InlineData("SCMP_CMP_GE", 5ul, 0ul, 4ul, false)]
    [InlineData("SCMP_CMP_MASKED_EQ", 0xf0ul, 0x10ul, 0x1ful, true)]
    [InlineData("SCMP_CMP_MASKED_EQ", 0xf0ul, 0x10ul, 0x2ful, false)]
    [InlineData("SCMP_CMP_MASKED_EQ", 0xf_0000_0000ul, 0x1_0000_0000ul, 0x1_0000_0007ul, true)]
    public void Compile_Operator_ComparesAll64Bits(string op, ulong value, ulong second, ulong actual, bool matches)
    {
        byte[] program = SeccompCompiler.Compile(new SeccompSpec
        {
            DefaultAction = "SCMP_ACT_ERRNO",
            Syscalls =
            [
                new SyscallRule
                {
                    Names = ["read"], Action = "SCMP_ACT_ALLOW",
                    Args = [new SyscallArgument { Index = 1, Value = value, ValueTwo = second, Op = op }],
                },
            ],
        });
        Assert.Equal(matches ? Allow : Eperm, FilterInterpreter.Run(program, FilterInterpreter.X64, 0, 99, actual).Action);
    }

    [Fact]
    public void Compile_SeveralArguments_MustAllHoldAndSameIndexIsAlternative()
    {
        byte[] both = Conditional(Equal(0, 1), Equal(1, 2));
        Assert.Equal(Allow, FilterInterpreter.Run(both, FilterInterpreter.X64, 0, 1, 2).Action);
        Assert.Equal(Eperm, FilterInterpreter.Run(both, FilterInterpreter.X64, 0, 1, 3).Action);
        byte[] either = Conditional(Equal(0, 1), Equal(0, 2));
        Assert.Equal(Allow, FilterInterpreter.Run(either, FilterInterpreter.X64, 0, 2).Action);
        Assert.Equal(Eperm, FilterInterpreter.Run(either, FilterInterpreter.X64, 0, 3).Action);
    }

    // "ACTION", "ACTION ERRNO" or either with "|OPERATOR VALUE" for the second argument; what 0777, 0700 and 0600 are answered with was
    // measured with runc 1.1.5 and libseccomp 2.5.4 at chmod.
    [Theory]
    [InlineData("ERRNO;LOG", Eperm, Eperm, Eperm)]
    [InlineData("LOG;ERRNO", Log, Log, Log)]
    [InlineData("ERRNO 1;ERRNO 38", Eperm, Eperm, Eperm)]
    [InlineData("ERRNO;ALLOW", Eperm, Eperm, Eperm)]
    [InlineData("ALLOW;ERRNO", Eperm, Eperm, Eperm)]
    [InlineData("ERRNO;ALLOW|EQ 511", Eperm, Eperm, Eperm)]
    [InlineData("ERRNO;LOG|EQ 511", Eperm, Eperm, Eperm)]
    [InlineData("ALLOW|EQ 511;ERRNO", Eperm, Eperm, Eperm)]
    [InlineData("ERRNO|EQ 511;ALLOW", Eperm, Allow, Allow)]
    [InlineData("ERRNO|EQ 511;LOG", Log, Log, Log)]
    [InlineData("LOG|EQ 511;ERRNO", Eperm, Eperm, Eperm)]
    [InlineData("LOG;ERRNO|EQ 511", Log, Log, Log)]
    [InlineData("ERRNO 1|EQ 511;ERRNO 38", Enosys, Enosys, Enosys)]
    [InlineData("ERRNO|EQ 511;ERRNO|EQ 511", Eperm, Allow, Allow)]
    [InlineData("LOG|EQ 511;ERRNO|EQ 448", Log, Eperm, Allow)]
    [InlineData("LOG|EQ 511;ERRNO|GE 448", Log, Eperm, Allow)]
    [InlineData("ERRNO 1|EQ 511;ERRNO 38|NE 448", Eperm, Allow, Enosys)]
    [InlineData("ERRNO 38|LE 448;ERRNO 1|GE 448", Eperm, Enosys, Enosys)]
    [InlineData("ERRNO 1|GE 448;ERRNO 38|LE 448", Eperm, Enosys, Enosys)]
    [InlineData("LOG|GE 448;ERRNO|EQ 511", Eperm, Log, Allow)]
    [InlineData("ERRNO 38|NE 448;ERRNO 1|EQ 511", Eperm, Allow, Enosys)]
    [InlineData("ERRNO 1|LT 511;ERRNO 38|NE 384", Enosys, Enosys, Eperm)]
    [InlineData("ERRNO 38|LT 511;ERRNO 1|LE 448", Allow, Eperm, Eperm)]
    [InlineData("ERRNO 1|GT 384;ERRNO 38|GE 448", Enosys, Enosys, Allow)]
    [InlineData("ERRNO 38|GE 384;ERRNO 1|GE 448", Eperm, Eperm, Enosys)]
    [InlineData("ERRNO 1|LE 511;ERRNO 38|LE 448", Eperm, Enosys, Enosys)]
    [InlineData("ERRNO 38|NE 384;ERRNO 1|NE 511", Enosys, Eperm, Eperm)]
    public void Compile_SeveralRulesForOneCall_AreAnsweredAsByLibseccomp(string rules, uint of777, uint of700, uint of600)
    {
        byte[] program = SeccompCompiler.Compile(Rules("ALLOW", rules));
        uint chmod = SyscallTables.X64["chmod"];
        Assert.Equal((of777, of700, of600), (Answer(0x1ff), Answer(0x1c0), Answer(0x180)));

        uint Answer(ulong mode) => FilterInterpreter.Run(program, FilterInterpreter.X64, chmod, 99, mode).Action;
    }

    [Theory]
    [InlineData("ALLOW|EQ 511;ERRNO", Allow, Eperm)]
    [InlineData("ERRNO;ALLOW|EQ 511", Allow, Eperm)]
    [InlineData("ALLOW|EQ 511;ERRNO 38", Enosys, Enosys)]
    [InlineData("ALLOW|EQ 511;ALLOW", Allow, Allow)]
    [InlineData("ALLOW;ALLOW|EQ 511", Allow, Allow)]
    public void Compile_DefaultThatRefuses_IsOpenedByRules(string rules, uint of777, uint of700)
    {
        byte[] program = SeccompCompiler.Compile(Rules("ERRNO", rules));
        uint chmod = SyscallTables.X64["chmod"];
        Assert.Equal(of777, FilterInterpreter.Run(program, FilterInterpreter.X64, chmod, 99, 0x1ff).Action);
        Assert.Equal(of700, FilterInterpreter.Run(program, FilterInterpreter.X64, chmod, 99, 0x1c0).Action);
    }

    [Theory]
    [InlineData("ERRNO|EQ 511;LOG|EQ 511")]
    [InlineData("ERRNO 1|EQ 511;ERRNO 38|EQ 511")]
    public void Compile_SameConditionsWithAnotherAction_IsInvalidArgument(string rules)
    {
        FaultException fault = Assert.Throws<FaultException>(() => SeccompCompiler.Compile(Rules("ALLOW", rules)));
        Assert.Equal(FaultKind.InvalidArgument, fault.Kind);
        Assert.Contains("two rules for chmod", fault.Message);
    }

    [Fact]
    public void Compile_NonsenseInARuleThatDecidesNothing_IsInvalidArgument() =>
        Assert.Throws<FaultException>(() => SeccompCompiler.Compile(Rules("ALLOW", "ERRNO;LOG|NONSENSE 5")));

    private static SeccompSpec Rules(string otherwise, string rules) => new()
    {
        DefaultAction = $"SCMP_ACT_{otherwise}", Syscalls = [.. rules.Split(';').Select(Rule)],
    };

    private static SyscallRule Rule(string text)
    {
        string[] action = text.Split('|')[0].Split(' ');
        string[] condition = text.Split('|') is [_, var given] ? given.Split(' ') : [];
        return new SyscallRule
        {
            Names = ["chmod", "no_call_of_any_kernel"],
            Action = $"SCMP_ACT_{action[0]}",
            ErrnoRet = action.Length > 1 ? uint.Parse(action[1]) : null,
            Args = condition.Length == 0 ? null
                : [new SyscallArgument { Index = 1, Op = $"SCMP_CMP_{condition[0]}", Value = ulong.Parse(condition[1]) }],
        };
    }

    [Theory]
    [InlineData("SCMP_ACT_NONSENSE", "SCMP_CMP_EQ", 0u)]
    [InlineData("SCMP_ACT_ALLOW", "SCMP_CMP_NONSENSE", 0u)]
    [InlineData("SCMP_ACT_ALLOW", "SCMP_CMP_EQ", 6u)]
    public void Compile_NonsenseProfile_IsInvalidArgument(string action, string op, uint index)
    {
        FaultException fault = Assert.Throws<FaultException>(() => SeccompCompiler.Compile(new SeccompSpec
        {
            DefaultAction = "SCMP_ACT_ERRNO",
            Syscalls = [new SyscallRule { Names = ["read"], Action = action, Args = [new SyscallArgument { Index = index, Op = op }] }],
        }));
        Assert.Equal(FaultKind.InvalidArgument, fault.Kind);
    }

    [Theory]
    [InlineData("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "x64")]
    [InlineData("/usr/include/x86_64-linux-gnu/asm/unistd_32.h", "i386")]
    public void Tables_AgreeWithTheKernelHeaders(string header, string convention)
    {
        Assert.SkipUnless(File.Exists(header), $"{header} is missing: package linux-libc-dev");
        IReadOnlyDictionary<string, uint> table = convention == "x64" ? SyscallTables.X64 : SyscallTables.I386;
        foreach (string line in File.ReadLines(header))
        {
            string[] words = line.Split(' ');
            if (words is ["#define", var name, var number] && name.StartsWith("__NR_", StringComparison.Ordinal)
                && uint.TryParse(number, out uint value))
                Assert.Equal(value, table[name[5..]]);
        }
    }

    private static byte[] Conditional(params SyscallArgument[] conditions) => SeccompCompiler.Compile(new SeccompSpec
    {
        DefaultAction = "SCMP_ACT_ERRNO",
        Syscalls = [new SyscallRule { Names = ["read"], Action = "SCMP_ACT_ALLOW", Args = conditions }],
    });

    private static SyscallArgument Equal(uint index, ulong value) => new() { Index = index, Value = value, Op = "SCMP_CMP_EQ" };
}
