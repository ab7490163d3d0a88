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
    private const uint BPF_PROG_TYPE_CGROUP_DEVICE = 15;
    private const uint BPF_CGROUP_DEVICE = 6;
    private const uint BPF_F_ALLOW_MULTI = 2;
    private const long SYS_bpf = 321;
    private const int VerifierLogSize = 16 * 1024;

    /// <summary>Loads a program and makes it the only one of a cgroup, or one of several.</summary>
    /// <param name="cgroup">The cgroup's directory, open.</param>
    /// <param name="instructions">The program, <see cref="InstructionSize"/> bytes an instruction.</param>
    /// <param name="isShared">Others have theirs there too, and all have to allow an access.</param>
    /// <exception cref="LinuxException">EPERM: no privilege, or there is one of the other kind. EINVAL: the verifier refuses it.
    /// ENOSYS: no eBPF.</exception>
    public static void Attach(FileDescriptor cgroup, ReadOnlySpan<byte> instructions, bool isShared)
    {
        using FileDescriptor program = Load(instructions);
        AttachAttributes attributes = new()
        {
            TargetDescriptor = (uint)cgroup.Number,
            ProgramDescriptor = (uint)program.Number,
            AttachType = BPF_CGROUP_DEVICE,
            AttachFlags = isShared ? BPF_F_ALLOW_MULTI : 0,
        };
        if (syscall(SYS_bpf, BPF_PROG_ATTACH, (nint)(&attributes), sizeof(AttachAttributes)) < 0)
            throw LinuxException.FromLastError("bpf", "attach the device program to the cgroup");
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

    [LibraryImport("libc", SetLastError = true)]
    private static partial long syscall(long number, nint command, nint attributes, nint size);
}
