using System.Runtime.InteropServices;
using Berth.Linux.Processes;

namespace Berth.Bench.FirstProcess;

/// <summary>
/// Candidate (a) of ADR 0001: two ordinary NativeAOT processes one after the other. The first leaves its namespaces, the second is
/// process 1 of the new ones and does what <c>floor.c</c> does. No user namespace: by Main a second thread exists.
/// </summary>
internal static unsafe partial class TwoStages
{
    private const ulong ReadOnly = 1, NoSuid = 2, NoDevices = 4, NoExecute = 8;
    private const ulong Remount = 32, Bind = 4096, Recursive = 16384, Private = 1 << 18;
    private const ulong Quiet = NoSuid | NoDevices | NoExecute;
    private const ulong Default14 = 0xa80425fb;

    private static readonly (string, int)[] s_nodes =
        [("null", 0x103), ("zero", 0x105), ("full", 0x107), ("random", 0x108), ("urandom", 0x109), ("tty", 0x500)];

    private static readonly (string, string)[] s_links =
    [
        ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"), ("stderr", "/proc/self/fd/2"),
        ("ptmx", "pts/ptmx"),
    ];

    /// <summary>Stage one: namespaces, then stage two as a child.</summary>
    public static int First(string[] arguments)
    {
        // NEWNS, NEWPID, NEWNET, NEWUTS, NEWIPC, NEWCGROUP
        Check(syscall(272, 0x20000 | 0x20000000 | 0x40000000 | 0x04000000 | 0x08000000 | 0x02000000, 0, 0, 0, 0), "unshare");
        int pid = ProcessSpawner.Spawn(Environment.ProcessPath!, ["first-process", "@two", .. arguments[1..]], [0, 1, 2]);
        int status;
        Check(syscall(61, pid, (nint)(&status), 0, 0, 0), "wait4");
        return status >> 8;
    }

    /// <summary>Stage two: <c>[-s FILTER] LOWER UPPER WORK MERGED PROGRAM</c>.</summary>
    public static int Second(string[] arguments)
    {
        byte[] filter = File.ReadAllBytes(arguments[2]);
        MountAll(arguments[3], arguments[4], arguments[5], arguments[6]);
        Hide();
        Check(syscall(170, Text("two"), 3, 0, 0, 0), "sethostname");
        BringLoopbackUp();
        Confine(filter);
        nint* words = stackalloc nint[] { Text(arguments[7]), 0, 0 };
        Check(syscall(59, words[0], (nint)words, (nint)(words + 2), 0, 0), arguments[7]);
        return 1;
    }

    private static void MountAll(string lower, string upper, string work, string merged)
    {
        Mount("none", "/", null, Recursive | Private, null);
        Mount("overlay", merged, "overlay", 0, $"lowerdir={lower},upperdir={upper},workdir={work}");
        Environment.CurrentDirectory = merged;
        Mount("proc", "proc", "proc", Quiet, null);
        Mount("tmpfs", "dev", "tmpfs", NoSuid | 1 << 24, "mode=755,size=65536k");
        foreach (string directory in new[] { "dev/pts", "dev/shm", "dev/mqueue" })
            Check(syscall(83, Text(directory), 0x1ED, 0, 0, 0), directory);
        Mount("devpts", "dev/pts", "devpts", NoSuid | NoExecute, "newinstance,ptmxmode=0666,mode=0620");
        Mount("shm", "dev/shm", "tmpfs", Quiet, "mode=1777,size=65536k");
        Mount("mqueue", "dev/mqueue", "mqueue", Quiet, null);
        Mount("sysfs", "sys", "sysfs", Quiet | ReadOnly, null);
        _ = syscall(95, 0, 0, 0, 0, 0);
        foreach ((string path, int number) in s_nodes)
            Check(syscall(133, Text("dev/" + path), 0x2000 | 0x1B6, number, 0, 0), path);
        _ = syscall(95, 0x12, 0, 0, 0, 0);
        foreach ((string path, string target) in s_links)
            Check(syscall(88, Text(target), Text("dev/" + path), 0, 0, 0), path);
    }

    private static void Hide()
    {
        foreach (string path in new[] { "proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger" })
        {
            if (TryMount(path, path, null, Bind | Recursive, null))
                Mount("none", path, null, Bind | Remount | ReadOnly | Quiet, null);
        }
        foreach (string path in new[] { "proc/kcore", "proc/keys", "proc/timer_list", "proc/sched_debug", "proc/interrupts" })
            _ = TryMount("/dev/null", path, null, Bind, null);
        foreach (string path in new[] { "proc/scsi", "proc/acpi", "sys/firmware", "sys/devices/virtual/powercap" })
            _ = TryMount("tmpfs", path, "tmpfs", ReadOnly, null);
    }

    private static void BringLoopbackUp()
    {
        byte* request = stackalloc byte[40];
        new Span<byte>(request, 40).Clear();
        "lo"u8.CopyTo(new Span<byte>(request, 2));
        request[16] = 1;
        nint socket = syscall(41, 2, 2 | 0x80000, 0, 0, 0);
        Check(syscall(16, socket, 0x8914, (nint)request, 0, 0), "lo");
    }

    private static void Confine(byte[] filter)
    {
        Check(syscall(155, Text("."), Text("."), 0, 0, 0), "pivot_root");
        Check(syscall(166, Text("."), 2, 0, 0, 0), "umount2");
        Environment.CurrentDirectory = "/";
        for (int i = 0; i <= 40; i++)
        {
            if ((Default14 >> i & 1) == 0)
                Check(syscall(157, 24, i, 0, 0, 0), "bounding set");
        }
        fixed (byte* code = filter)
        {
            nint* program = stackalloc nint[] { filter.Length / 8, (nint)code };
            Check(syscall(317, 1, 0, (nint)program, 0, 0), "seccomp");
        }
        uint* head = stackalloc uint[] { 0x20080522, 0 };
        uint* sets = stackalloc uint[] { (uint)Default14, (uint)Default14, 0, 0, 0, 0 };
        Check(syscall(126, (nint)head, (nint)sets, 0, 0, 0), "capset");
    }

    private static void Mount(string source, string target, string? type, ulong flags, string? data)
    {
        if (!TryMount(source, target, type, flags, data))
            throw new IOException($"mount {target}: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    private static bool TryMount(string source, string target, string? type, ulong flags, string? data) =>
        syscall(165, Text(source), Text(target), type is null ? 0 : Text(type), (nint)flags, data is null ? 0 : Text(data)) == 0;

    // Never freed: the process ends or executes another program.
    private static nint Text(string text) => Marshal.StringToCoTaskMemUTF8(text);

    private static void Check(nint result, string what)
    {
        if (result < 0)
            throw new IOException($"{what}: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint syscall(nint number, nint a, nint b, nint c, nint d, nint e);
}
