using System.Collections.Concurrent;
using Berth.Oci.Runtime;

namespace Berth.Runtime.Seccomp;

/// <summary>The system calls that a container may make unless it is told otherwise: Docker's published default policy.</summary>
/// <remarks>
/// What is not allowed fails with EPERM. It follows the policy as Docker documents it ("Seccomp security profiles for Docker"), by
/// subject and by the capability that opens a call. Some things are stricter than in its first versions: io_uring is left out, as in
/// Docker from 25 on, and so is the x32 convention, which no distribution builds programs for; sockets of the kernel's cryptography
/// are refused as those of the hypervisor are, and so is the 32-bit call behind which a filter cannot see which socket is meant.
/// </remarks>
public static class DefaultSeccomp
{
    // The namespace flags of clone(2): CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
    private const ulong NamespaceFlags = 0x7E020000;
    private const uint EPERM = 1;
    private const uint ENOSYS = 38;
    private const int ProfilesMax = 64;

    private static readonly ConcurrentDictionary<string, SeccompSpec> s_profiles = new(StringComparer.Ordinal);

    private const string Allow = "SCMP_ACT_ALLOW";

    // personality(2): plain Linux, 32-bit Linux, each also without address randomisation's UNAME26 neighbours, and "only ask".
    private static readonly ulong[] s_personalities = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff];

    // socket(2)'s families but AF_ALG (38) and AF_VSOCK (40), as mask and value: 0-31, 32-35, 36-37, 39, 41, 42-43, 44-47, 48-63. The
    // kernel takes an int, so that a program may set the upper half of the register to anything; a mask leaves it out.
    private static readonly (ulong Mask, ulong Value)[] s_families =
    [
        (0xffffffe0, 0), (0xfffffffc, 32), (0xfffffffe, 36), (0xffffffff, 39), (0xffffffff, 41), (0xfffffffe, 42), (0xfffffffc, 44),
        (0xfffffff0, 48),
    ];

    private const string Files =
        "access chdir chmod chown chown32 close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2 fadvise64 "
        + "fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fdatasync "
        + "fgetxattr flistxattr flock fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 "
        + "futimesat getcwd getdents getdents64 getxattr getxattrat inotify_add_watch inotify_init inotify_init1 inotify_rm_watch "
        + "ioctl lchown lchown32 lgetxattr link linkat listxattr listxattrat llistxattr _llseek lremovexattr lseek lsetxattr lstat "
        + "lstat64 mkdir mkdirat mknod mknodat name_to_handle_at newfstatat open openat openat2 pread64 preadv preadv2 pwrite64 "
        + "pwritev pwritev2 read readahead readlink readlinkat readv removexattr removexattrat rename renameat renameat2 rmdir "
        + "sendfile sendfile64 setxattr setxattrat splice stat stat64 statfs statfs64 statx symlink symlinkat sync sync_file_range "
        + "syncfs tee truncate truncate64 umask unlink unlinkat utime utimensat utimensat_time64 utimes vmsplice write writev";

    private const string Waiting =
        "epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 "
        + "futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake io_cancel io_destroy io_getevents io_pgetevents "
        + "io_pgetevents_time64 io_setup io_submit _newselect pause pipe pipe2 poll ppoll ppoll_time64 pselect6 pselect6_time64 "
        + "select signalfd signalfd4";

    private const string Memory =
        "brk cachestat madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mlock mlock2 mlockall mmap mmap2 "
        + "mprotect mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect remap_file_pages shmat shmctl "
        + "shmdt shmget";

    private const string Processes =
        "alarm capget capset execve execveat exit exit_group fork getcpu getegid getegid32 geteuid geteuid32 getgid getgid32 "
        + "getgroups getgroups32 getitimer getpgid getpgrp getpid getppid getpriority getresgid getresgid32 getresuid getresuid32 "
        + "getrlimit get_robust_list getrusage getsid get_thread_area gettid getuid getuid32 ioprio_get ioprio_set kill "
        + "landlock_add_rule landlock_create_ruleset landlock_restrict_self pidfd_open pidfd_send_signal prctl prlimit64 "
        + "process_mrelease restart_syscall rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn "
        + "rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_getaffinity sched_getattr sched_getparam "
        + "sched_get_priority_max sched_get_priority_min sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 "
        + "sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp setfsgid setfsgid32 setfsuid "
        + "setfsuid32 setgid setgid32 setgroups setgroups32 setitimer setpgid setpriority setregid setregid32 setresgid setresgid32 "
        + "setresuid setresuid32 setreuid setreuid32 setrlimit set_robust_list setsid set_thread_area set_tid_address setuid "
        + "setuid32 sigaltstack sigprocmask sigreturn tgkill tkill ugetrlimit uretprobe vfork wait4 waitid waitpid ptrace "
        + "process_vm_readv process_vm_writev arch_prctl modify_ldt";

    private const string Messages =
        "accept accept4 bind connect getpeername getsockname getsockopt ipc listen mq_getsetattr mq_notify mq_open mq_timedreceive "
        + "mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd recv recvfrom recvmmsg "
        + "recvmmsg_time64 recvmsg semctl semget semop semtimedop semtimedop_time64 send sendmmsg sendmsg sendto setsockopt "
        + "shutdown socketpair";

    private const string Time =
        "adjtimex clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep "
        + "clock_nanosleep_time64 gettimeofday nanosleep time timer_create timer_delete timer_getoverrun timer_gettime "
        + "timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime "
        + "timerfd_settime64 times";

    private const string System = "getrandom sysinfo uname lsm_get_self_attr lsm_list_modules lsm_set_self_attr";

    private static readonly (string Capability, string Calls)[] s_byCapability =
    [
        ("CAP_DAC_READ_SEARCH", "open_by_handle_at"),
        ("CAP_SYS_ADMIN", "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick listmount lookup_dcookie mount mount_setattr "
            + "move_mount open_tree open_tree_attr perf_event_open quotactl quotactl_fd setdomainname sethostname setns statmount "
            + "syslog umount umount2 unshare"),
        ("CAP_SYS_BOOT", "reboot"),
        ("CAP_SYS_CHROOT", "chroot"),
        ("CAP_SYS_MODULE", "delete_module init_module finit_module"),
        ("CAP_SYS_PACCT", "acct"),
        ("CAP_SYS_PTRACE", "kcmp pidfd_getfd process_madvise"),
        ("CAP_SYS_RAWIO", "iopl ioperm"),
        ("CAP_SYS_TIME", "settimeofday stime clock_settime clock_settime64"),
        ("CAP_SYS_TTY_CONFIG", "vhangup"),
        ("CAP_SYS_NICE", "get_mempolicy mbind set_mempolicy set_mempolicy_home_node"),
        ("CAP_SYSLOG", "syslog"),
        ("CAP_BPF", "bpf"),
        ("CAP_PERFMON", "perf_event_open"),
    ];

    /// <summary>The policy for a container with these capabilities in its bounding set.</summary>
    /// <remarks>The same set gives the same object, whose compiled form is then found again.</remarks>
    public static SeccompSpec Profile(IReadOnlyCollection<string> capabilities)
    {
        string key = string.Join(' ', capabilities.Order(StringComparer.Ordinal));
        if (s_profiles.Count >= ProfilesMax)
            s_profiles.Clear();
        return s_profiles.GetOrAdd(key, static (_, capabilities) => Make(capabilities), capabilities);
    }

    private static SeccompSpec Make(IReadOnlyCollection<string> capabilities)
    {
        List<SyscallRule> rules =
        [
            .. ((ReadOnlySpan<string>)[Files, Waiting, Memory, Processes, Messages, Time, System]).ToArray().Select(Allowing),
            .. s_personalities.Select(static value =>
                Conditional("personality", new SyscallArgument { Index = 0, Value = value, Op = "SCMP_CMP_EQ" })),
            .. s_families.Select(static family => Conditional("socket",
                new SyscallArgument { Index = 0, Value = family.Mask, ValueTwo = family.Value, Op = "SCMP_CMP_MASKED_EQ" })),
            // The 32-bit call for all of sockets: its arguments stand in memory. Since Linux 4.3 each has a call of its own beside it.
            new SyscallRule { Names = ["socketcall"], Action = "SCMP_ACT_ERRNO", ErrnoRet = ENOSYS },
            .. s_byCapability.Where(entry => capabilities.Contains(entry.Capability)).Select(entry => Allowing(entry.Calls)),
        ];
        if (!capabilities.Contains("CAP_SYS_ADMIN"))
        {
            rules.Add(Conditional("clone",
                new SyscallArgument { Index = 0, Value = NamespaceFlags, ValueTwo = 0, Op = "SCMP_CMP_MASKED_EQ" }));
            // Its flags stand in memory, which a filter cannot read: programs fall back to clone when it is not there.
            rules.Add(new SyscallRule { Names = ["clone3"], Action = "SCMP_ACT_ERRNO", ErrnoRet = ENOSYS });
        }
        return new SeccompSpec
        {
            DefaultAction = "SCMP_ACT_ERRNO",
            DefaultErrnoRet = EPERM,
            Architectures = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
            Syscalls = rules,
        };
    }

    private static SyscallRule Allowing(string calls) => new() { Names = calls.Split(' '), Action = Allow };

    private static SyscallRule Conditional(string call, SyscallArgument argument) =>
        new() { Names = [call], Action = Allow, Args = [argument] };
}
