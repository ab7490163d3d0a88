using System.Runtime.InteropServices;
using System.Text;

namespace Berth.Linux.Bpf;

/// <summary>A loaded eBPF program that decides which devices the processes of a version 2 cgroup may use.</summary>
/// <remarks>bpf(2); BPF_PROG_TYPE_CGROUP_DEVICE. The kernel verifies the program; attaching keeps it alive without us.</remarks>
public static unsafe partial class DeviceProgram
{
    /// <summary>The size in bytes of one eBPF instruction (struct bpf_insn).</summary>
    public const int InstructionSize = 8;

    private const int BPF_PROG_LOAD = 5;
    private const int BPF_PROG_ATTACH = 8;
    private const int BPF_PROG_DETACH = 9;
    private const int BPF_PROG_GET_FD_BY_ID = 13;
    private const int BPF_PROG_QUERY = 16;
    private const uint BPF_PROG_TYPE_CGROUP_DEVICE = 15;
    private const uint BPF_CGROUP_DEVICE = 6;
    private const uint BPF_F_ALLOW_MULTI = 2;
    private const long SYS_bpf = 321;
    private const int VerifierLogSize = 16 * 1024;
    // BPF_CGROUP_MAX_PROGS of the kernel's own headers.
    private const int ProgramsMax = 64;

    /// <summary>Loads a program and makes it the only one of a cgroup, or one of several.</summary>
    /// <remarks>Groups below may have programs too, and all of them have to allow an access. What was there before goes only when the
    /// new program is in force: no moment is without one.</remarks>
    /// <param name="cgroup">The cgroup's directory, open.</param>
    /// <param name="instructions">The program, <see cref="InstructionSize"/> bytes an instruction.</param>
    /// <param name="isShared">Others have theirs there too, which stay, and all have to allow an access.</param>
    /// <exception cref="LinuxException">EPERM: no privilege, or a group above has a program that takes none below it. EINVAL: the
    /// verifier refuses it. ENOSYS: no eBPF.</exception>
    public static void Attach(FileDescriptor cgroup, ReadOnlySpan<byte> instructions, bool isShared)
    {
        using FileDescriptor program = Load(instructions);
        uint[] before = Query(cgroup, out uint flags);
        // A single program of the other kind is replaced by the kernel in one step, and by one of its kind only.
        if (before.Length > 0 && (flags & BPF_F_ALLOW_MULTI) == 0)
        {
            Change(BPF_PROG_ATTACH, cgroup, program, flags);
            return;
        }
        Change(BPF_PROG_ATTACH, cgroup, program, BPF_F_ALLOW_MULTI);
        foreach (uint old in isShared ? [] : before)
            Detach(cgroup, old);
    }

    // Those of this very group; programs of groups above stand beside them.
    private static uint[] Query(FileDescriptor cgroup, out uint flags)
    {
        uint[] programs = new uint[ProgramsMax];
        fixed (uint* first = programs)
        {
            QueryAttributes attributes = new()
            {
                TargetDescriptor = (uint)cgroup.Number,
                AttachType = BPF_CGROUP_DEVICE,
                Programs = (ulong)first,
                ProgramCount = ProgramsMax,
            };
            if (syscall(SYS_bpf, BPF_PROG_QUERY, (nint)(&attributes), sizeof(QueryAttributes)) < 0)
                throw LinuxException.FromLastError("bpf", "query the device programs");
            flags = attributes.AttachFlags;
            return programs[..(int)Math.Min(attributes.ProgramCount, ProgramsMax)];
        }
    }

    private static void Detach(FileDescriptor cgroup, uint id)
    {
        ProgramAttributes attributes = new() { Id = id };
        long descriptor = syscall(SYS_bpf, BPF_PROG_GET_FD_BY_ID, (nint)(&attributes), sizeof(ProgramAttributes));
        try
        {
            if (descriptor < 0)
                throw LinuxException.FromLastError("bpf", $"open device program {id}");
            using FileDescriptor program = new((int)descriptor);
            Change(BPF_PROG_DETACH, cgroup, program, flags: 0);
        }
        catch (LinuxException gone) when (gone.Error == Errno.ENOENT)
        {
            // Somebody else took it away meanwhile, or holds it by a link of his own.
        }
    }

    private static void Change(int command, FileDescriptor cgroup, FileDescriptor program, uint flags)
    {
        AttachAttributes attributes = new()
        {
            TargetDescriptor = (uint)cgroup.Number,
            ProgramDescriptor = (uint)program.Number,
            AttachType = BPF_CGROUP_DEVICE,
            AttachFlags = flags,
        };
        if (syscall(SYS_bpf, command, (nint)(&attributes), sizeof(AttachAttributes)) < 0)
            throw LinuxException.FromLastError("bpf", command == BPF_PROG_ATTACH ? "attach a device program" : "detach a device program");
    }

    private static FileDescriptor Load(ReadOnlySpan<byte> instructions)
    {
        byte[] log = new byte[VerifierLogSize];
        fixed (byte* code = instructions, license = "GPL"u8, text = log)
        {
            LoadAttributes attributes = new()
            {
                Type = BPF_PROG_TYPE_CGROUP_DEVICE,
                InstructionCount = (uint)(instructions.Length / InstructionSize),
                Instructions = (ulong)code,
                License = (ulong)license,
                LogLevel = 1,
                LogSize = VerifierLogSize,
                LogBuffer = (ulong)text,
            };
            long descriptor = syscall(SYS_bpf, BPF_PROG_LOAD, (nint)(&attributes), sizeof(LoadAttributes));
            if (descriptor >= 0)
                return new FileDescriptor((int)descriptor);
            int error = Marshal.GetLastPInvokeError();
            string reason = Encoding.ASCII.GetString(log).TrimEnd('\0', '\n');
            throw new LinuxException("bpf", $"load the device program {reason[..Math.Min(reason.Length, 400)]}", error);
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct LoadAttributes
    {
        public uint Type;
        public uint InstructionCount;
        public ulong Instructions;
        public ulong License;
        public uint LogLevel;
        public uint LogSize;
        public ulong LogBuffer;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct AttachAttributes
    {
        public uint TargetDescriptor;
        public uint ProgramDescriptor;
        public uint AttachType;
        public uint AttachFlags;
    }

    // To the end that kernels of today know: they may write there.
    [StructLayout(LayoutKind.Sequential)]
    private struct QueryAttributes
    {
        public uint TargetDescriptor;
        public uint AttachType;
        public uint QueryFlags;
        public uint AttachFlags;
        public ulong Programs;
        public uint ProgramCount;
        public uint Padding;
        public ulong ProgramAttachFlags;
        public ulong Links;
        public ulong LinkAttachFlags;
        public ulong Revision;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct ProgramAttributes
    {
        public uint Id;
        public uint NextId;
        public uint OpenFlags;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial long syscall(long number, nint command, nint attributes, nint size);
}
