using Berth.Oci.Runtime;

namespace Berth.RuntimeProgram.Tests.Commands;

/// <summary>Rows of the runtime specification on the process, each seen from inside.</summary>
public sealed class ProcessConfigTests(BundleFixture bundles) : ConfigChecks(bundles)
{
    [Fact]
    public async Task Scheduler_IoPriority_AndPersonality_AreSet()
    {
        string output = await OutputAsync("cut -d' ' -f41,19 /proc/self/stat; uname -m", static spec => Linux(
            Process(spec, static process => process with
            {
                Scheduler = new SchedulerSpec { Policy = "SCHED_BATCH", Nice = 5 },
                IoPriority = new IoPrioritySpec { Class = "IOPRIO_CLASS_IDLE", Priority = 0 },
            }), static linux => linux with { Personality = new PersonalitySpec { Domain = "LINUX32" } }));
        // Nice value and policy (3: batch), as proc_pid_stat(5) has them; a 32-bit domain calls the machine i686.
        Assert.Equal(["5 3", "i686"], output.Split('\n'));
    }

    [Fact]
    public async Task Exec_HasTheContainersPersonality()
    {
        Need();
        (string id, _) = await Bundles.CreateAsync("exec sleep 1000", static spec => Linux(spec, static linux => linux with
        {
            Personality = new PersonalitySpec { Domain = "LINUX32" },
        }));
        await Bundles.RunAsync("start", id);
        Assert.Equal("i686\n", (await Bundles.RunAsync("exec", id, "/bin/uname", "-m")).Output);
        Assert.Equal(0, (await Bundles.RunAsync("delete", "--force", id)).Code);
    }

    [Theory]
    [InlineData("SCHED_NONE", "invalid scheduler policy")]
    public async Task Scheduler_ThatIsNone_IsRefused(string policy, string message) => Assert.Contains(message, await RefusalAsync(
        spec => Process(spec, process => process with { Scheduler = new SchedulerSpec { Policy = policy } })), StringComparison.Ordinal);

    [Fact]
    public async Task ExecAffinity_IsSet()
    {
        Need();
        (string id, string bundle) = await Bundles.CreateAsync("exec sleep 1000");
        await Bundles.RunAsync("start", id);
        string process = Path.Join(bundle, "process.json");
        await File.WriteAllTextAsync(process, """
            {"args":["/bin/grep","Cpus_allowed_list","/proc/self/status"],"cwd":"/","user":{"uid":0,"gid":0},
             "execCPUAffinity":{"initial":"0","final":"0"}}
            """);
        Assert.Equal("Cpus_allowed_list:\t0\n", (await Bundles.RunAsync("exec", "--process", process, id)).Output);
        Assert.Equal(0, (await Bundles.RunAsync("delete", "--force", id)).Code);
    }

    [Fact]
    public async Task Umask_Groups_AndLimits_AreTaken()
    {
        string output = await OutputAsync("umask; id -G; ulimit -n; ulimit -Hn", static spec => Process(spec, static process => process with
        {
            User = new UserSpec { Uid = 1000, Gid = 1000, Umask = 0x17, AdditionalGids = [5, 6] },
            Rlimits = [new RlimitSpec { Type = "RLIMIT_NOFILE", Soft = 100, Hard = 200 }],
        }));
        Assert.Equal(["0027", "1000 5 6", "100", "200"], output.Split('\n'));
    }

    [Theory]
    [InlineData(4)]
    [InlineData(8)]
    [InlineData(10)]
    public async Task LimitOfOpenFiles_BelowWhatTheMakingNeeds_IsTaken(ulong limit)
    {
        Need();
        (string id, string bundle) = await Bundles.CreateAsync("ulimit -n; ulimit -Hn; exec sleep 1000", spec => Process(spec, process => process with
        {
            Rlimits = [new RlimitSpec { Type = "RLIMIT_NOFILE", Soft = limit, Hard = limit }],
        }));
        await Bundles.RunAsync("start", id);
        string output = Path.Join(bundle, "out");
        await Command.UntilAsync("both limits are told", async () => await File.ReadAllTextAsync(output) == $"{limit}\n{limit}\n");
        Completed further = await Bundles.RunAsync("exec", id, "/bin/sh", "-c", "ulimit -n; ulimit -Hn");
        Assert.Equal((0, $"{limit}\n{limit}\n"), (further.Code, further.Output));
        Assert.Equal(0, (await Bundles.RunAsync("delete", "--force", id)).Code);
    }

    [Fact]
    public async Task DuplicatedLimit_IsRefused() => Assert.Contains("duplicated rlimit RLIMIT_NOFILE", await RefusalAsync(
        static spec => Process(spec, static process => process with
        {
            Rlimits = [new RlimitSpec { Type = "RLIMIT_NOFILE", Soft = 1, Hard = 1 }, new RlimitSpec { Type = "RLIMIT_NOFILE", Soft = 2, Hard = 2 }],
        })), StringComparison.Ordinal);

    [Fact]
    public async Task UnknownCapability_IsAWarning()
    {
        Need();
        Completed run = await Bundles.RunContainerAsync("echo ran", static spec => Process(spec, static process => process with
        {
            Capabilities = new CapabilitiesSpec { Bounding = ["CAP_KILL", "CAP_FLY"], Effective = ["CAP_KILL"], Permitted = ["CAP_KILL"] },
        }));
        Assert.Equal((0, "ran\n"), (run.Code, run.Output));
        Assert.Contains("ignoring unknown or unavailable capability: CAP_FLY", run.Errors, StringComparison.Ordinal);
    }

    // The kernel takes the highest as "unchanged", which is root.
    [Theory]
    [InlineData(uint.MaxValue, 0u, 0u)]
    [InlineData(0u, uint.MaxValue, 0u)]
    [InlineData(0u, 0u, uint.MaxValue)]
    [InlineData(2147483648u, 0u, 0u)]
    public async Task Ids_OutOfRange_AreRefused(uint user, uint group, uint further) => Assert.Contains(
        "uids and gids must be in range 0-2147483647", await RefusalAsync(spec => Process(spec, process => process with
        {
            User = new UserSpec { Uid = user, Gid = group, AdditionalGids = [further] },
        })), StringComparison.Ordinal);

    [Fact]
    public async Task Exec_IdsOutOfRange_AreRefused()
    {
        Need();
        (string id, _) = await Bundles.CreateAsync("exec sleep 1000");
        await Bundles.RunAsync("start", id);
        foreach (string[] ids in new[] { new[] { "-u", "4294967295" }, ["-u", "0:4294967295"], ["-g", "4294967295"] })
        {
            Completed exec = await Bundles.RunAsync(["exec", .. ids, id, "/bin/id", "-u"]);
            Assert.Equal((255, ""), (exec.Code, exec.Output));
            Assert.Contains("uids and gids must be in range 0-2147483647", exec.Errors, StringComparison.Ordinal);
        }
        Assert.Equal(0, (await Bundles.RunAsync("delete", "--force", id)).Code);
    }

    [Fact]
    public async Task Limit_WhoseSoftIsAboveItsHard_IsRefused() => Assert.Contains("error setting rlimit type 7: invalid argument",
        await RefusalAsync(static spec => Process(spec, static process => process with
        {
            Rlimits = [new RlimitSpec { Type = "RLIMIT_NOFILE", Soft = 200, Hard = 100 }],
        })), StringComparison.Ordinal);

    private const string UserList = "root:x:0:0::/root:/bin/sh\nbad:x:10a:1::/bad:\nempty:x:8:1:::\n\nlong:x:9:9:a name, b:/home/long:/bin/sh\n"
        + "again:x:9:9::/again:\nlast:x:4294967:1::/home/last";

    // As runc answers them, of which the list is the container's own.
    [Theory]
    [InlineData(0u, null, "/root")]
    [InlineData(9u, null, "/home/long")]
    [InlineData(4294967u, null, "/home/last")]
    [InlineData(10u, null, "/")]
    [InlineData(8u, null, "")]
    [InlineData(9u, "HOME=/given", "/given")]
    [InlineData(9u, "HOME=", "/home/long")]
    public async Task Home_IsSetFromTheContainersUserList(uint user, string? variable, string home)
    {
        string list = Path.Join(NewDirectory(), "passwd");
        await File.WriteAllTextAsync(list, UserList);
        Assert.Equal($"[{home}]", await OutputAsync("echo \"[$HOME]\"", spec => Process(
            Mounts(spec, new MountSpec { Destination = "/etc/passwd", Type = "bind", Source = list, Options = ["bind"] }),
            process => process with
            {
                User = new UserSpec { Uid = user }, Env = ["A=1", .. variable is null ? Array.Empty<string>() : [variable], "PATH=/bin"],
            })));
    }

    [Fact]
    public async Task Home_WhereTheListIsNoFile_IsTheRoot()
    {
        Need();
        string pipe = Path.Join(NewDirectory(), "pipe");
        await Command.NeedAsync("mkfifo", [pipe]);
        Assert.Equal("/", await OutputAsync("echo $HOME", spec => Mounts(spec, new MountSpec
        {
            Destination = "/etc/passwd", Type = "bind", Source = pipe, Options = ["bind"],
        })));
    }

    [Fact]
    public async Task Exec_HomeIsThatOfItsUser()
    {
        Need();
        string list = Path.Join(NewDirectory(), "passwd");
        await File.WriteAllTextAsync(list, UserList);
        (string id, string bundle) = await Bundles.CreateAsync("exec sleep 1000", spec => Mounts(spec, new MountSpec
        {
            Destination = "/etc/passwd", Type = "bind", Source = list, Options = ["bind"],
        }));
        await Bundles.RunAsync("start", id);
        string file = Path.Join(bundle, "process.json");
        await File.WriteAllTextAsync(file, "{\"args\":[\"/bin/sh\",\"-c\",\"echo $HOME\"],\"cwd\":\"/\",\"user\":{\"uid\":9,\"gid\":0}}");
        Assert.Equal("/root\n", (await Bundles.RunAsync("exec", id, "/bin/sh", "-c", "echo $HOME")).Output);
        Assert.Equal("/home/long\n", (await Bundles.RunAsync("exec", "-u", "9", id, "/bin/sh", "-c", "echo $HOME")).Output);
        Assert.Equal("/home/long\n", (await Bundles.RunAsync("exec", "-p", file, id)).Output);
        Assert.Equal(0, (await Bundles.RunAsync("delete", "--force", id)).Code);
    }

    // What busybox's echo calls, and what any runtime must be able to do once the filter is in force.
    private const string FewCalls = "execve brk exit exit_group write arch_prctl mmap munmap mprotect read close set_tid_address set_robust_list "
        + "rseq prlimit64 getrandom readlink readlinkat getuid getgid setuid setgid ioctl fstat openat rt_sigaction rt_sigprocmask futex";

    // Looking for the program takes calls that the program itself does not need.
    [Theory]
    [InlineData("/bin/busybox", true, "")]
    [InlineData("busybox", true, "")]
    [InlineData("/bin/busybox", false, " setresuid setresgid setgroups capset capget prctl getcwd chdir umask")]
    [InlineData("busybox", false, " setresuid setresgid setgroups capset capget prctl getcwd chdir umask")]
    public async Task Filter_ThatAllowsLittle_KeepsNoProgramFromBeingFound(string program, bool noNewPrivileges, string more)
    {
        Need();
        string id = Bundles.NewId();
        RuntimeSpec spec = Linux(Bundles.Spec(id, program, "echo", "hi"), linux => linux with
        {
            Seccomp = new SeccompSpec
            {
                DefaultAction = "SCMP_ACT_ERRNO", DefaultErrnoRet = 99, Architectures = ["SCMP_ARCH_X86_64"],
                Syscalls = [new SyscallRule { Action = "SCMP_ACT_ALLOW", Names = (FewCalls + more).Split(' ') }],
            },
        });
        Completed run = await Bundles.RunAsync("run", "--bundle",
            await Bundles.BundleAsync(id, Process(spec, process => process with { NoNewPrivileges = noNewPrivileges })), id);
        Assert.True((run.Code, run.Output) == (0, "hi\n"), run.ToString());
    }
}
