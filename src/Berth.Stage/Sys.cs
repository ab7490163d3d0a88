using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Berth.Stage;

/// <summary>System calls of the stage, by number: x86-64. They return what the kernel does: a negative value is an error number.</summary>
/// <remarks>No method here may allocate, throw or touch a static field with a constructor: the runtime does not exist yet.</remarks>
internal static unsafe partial class Sys
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    [MethodImpl(Inline)]
    private static long Call(long n, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0)
    {
        long result = syscall(n, a, b, c, d, e, f);
        return result == -1 ? -*__errno_location() : result;
    }

    public static long ReadAt(int fd, void* to, long count, long offset) => Call(17, fd, (long)to, count, offset);

    public static long Read(int fd, void* to, long count) => Call(0, fd, (long)to, count);
    public static long Write(int fd, void* from, long count) => Call(1, fd, (long)from, count);
    public static int Close(int fd) => (int)Call(3, fd);
    public static int Lock(int fd, int operation) => (int)Call(73, fd, operation);
    public static int Fstat(int fd, Stat* to) => (int)Call(5, fd, (long)to);
    public static int Stat(byte* path, Stat* to) => (int)Call(4, (long)path, (long)to);
    public static long Seek(int fd, long offset, int whence) => Call(8, fd, offset, whence);
    public static void* Map(void* at, long size, int protection, int flags, int fd) =>
        (void*)Call(9, (long)at, size, protection, flags, fd, 0);
    public static int SetSignal(int signal, KernelSignalAction* action, KernelSignalAction* before = null) =>
        (int)Call(13, signal, (long)action, (long)before, 8);
    public static int SignalMask(int how, ulong* set) => (int)Call(14, how, (long)set, 0, 8);
    public static int Ioctl(int fd, ulong request, void* argument) => (int)Call(16, fd, (long)request, (long)argument);
    public static int Access(byte* path, int mode, int flags) => (int)Call(439, K.AtCwd, (long)path, mode, flags);
    public static int Dup3(int from, int to, int flags) => (int)Call(292, from, to, flags);
    public static int Dup2(int from, int to) => (int)Call(33, from, to);
    public static int GetUser() => (int)Call(107);
    public static int GetPid() => (int)Call(39);
    public static int Socket(int family, int type, int protocol) => (int)Call(41, family, type, protocol);
    public static int Accept(int fd) => (int)Call(288, fd, 0, 0, 0x80000 | 0x800);
    public static int AcceptBlocking(int fd) => (int)Call(288, fd, 0, 0, 0x80000);
    public static int SendMessage(int fd, MessageHeader* message, int flags) => (int)Call(46, fd, (long)message, flags);
    public static int ReceiveMessage(int fd, MessageHeader* message, int flags) => (int)Call(47, fd, (long)message, flags);
    public static int Bind(int fd, void* address, int length) => (int)Call(49, fd, (long)address, length);
    public static int Listen(int fd, int backlog) => (int)Call(50, fd, backlog);
    public static int SocketPair(int family, int type, int* pair) => (int)Call(53, family, type, 0, (long)pair);
    public static int GetSocketOption(int fd, int level, int option, void* value, int* length) =>
        (int)Call(55, fd, level, option, (long)value, (long)length);
    public static int SetSocketOption(int fd, int level, int option, void* value, int length) =>
        (int)Call(54, fd, level, option, (long)value, length);
    public static int Execute(byte* path, byte** arguments, byte** environment) =>
        (int)Call(59, (long)path, (long)arguments, (long)environment);
    public static int Wait(int pid, int* status, int options) => (int)Call(61, pid, (long)status, options);
    public static int Kill(int pid, int signal) => (int)Call(62, pid, signal);
    public static int Fcntl(int fd, int command, long argument) => (int)Call(72, fd, command, argument);
    public static long GetCwd(byte* buffer, long size) => Call(79, (long)buffer, size);
    public static int ChangeDirectory(byte* path) => (int)Call(80, (long)path);
    public static int ChangeDirectory(int fd) => (int)Call(81, fd);
    public static int Rename(byte* from, byte* to) => (int)Call(82, (long)from, (long)to);
    public static int Unlink(byte* path) => (int)Call(87, (long)path);
    public static int ChangeOwner(int fd, uint user, uint group) => (int)Call(93, fd, user, group);
    public static uint Umask(uint mask) => (uint)Call(95, mask);
    public static int SetSession() => (int)Call(112);
    public static int SetProcessGroup(int pid, int group) => (int)Call(109, pid, group);
    public static int SetGroups(long count, void* groups) => (int)Call(116, count, (long)groups);
    public static int SetUser(uint real, uint effective, uint saved) => (int)Call(117, real, effective, saved);
    public static int SetGroup(uint real, uint effective, uint saved) => (int)Call(119, real, effective, saved);
    public static int SetCapabilities(void* header, void* data) => (int)Call(126, (long)header, (long)data);
    public static int FstatFs(int fd, void* to) => (int)Call(138, fd, (long)to);
    public static int Control(int option, ulong a = 0, ulong b = 0, ulong c = 0, ulong d = 0) =>
        (int)Call(157, option, (long)a, (long)b, (long)c, (long)d);
    public static int PivotRoot(byte* to, byte* old) => (int)Call(155, (long)to, (long)old);
    public static int Mount(byte* source, byte* target, byte* type, ulong flags, byte* data) =>
        (int)Call(165, (long)source, (long)target, (long)type, (long)flags, (long)data);
    public static int Unmount(byte* target, int flags) => (int)Call(166, (long)target, flags);
    public static int SetHostName(byte* name, long length) => (int)Call(170, (long)name, length);
    public static int SetDomainName(byte* name, long length) => (int)Call(171, (long)name, length);
    public static int Poll(PollEntry* entries, int count, int milliseconds) => (int)Call(7, (long)entries, count, milliseconds);
    public static int SignalDescriptor(ulong* set) => (int)Call(289, -1, (long)set, 8, 0x80000 | 0x800);
    public static int MemoryFile(byte* name) => (int)Call(319, (long)name, K.MFD_CLOEXEC);
    public static int Pipe(int* pair, int flags) => (int)Call(293, (long)pair, flags);
    public static int Open(byte* path, int flags, uint mode = 0) => (int)Call(257, K.AtCwd, (long)path, flags, mode);
    public static int OpenAt(int directory, byte* path, int flags, uint mode = 0) =>
        (int)Call(257, directory, (long)path, flags, mode);
    public static int MakeDirectory(int directory, byte* path, uint mode) => (int)Call(258, directory, (long)path, mode);
    public static int MakeNode(int directory, byte* path, uint mode, ulong device) =>
        (int)Call(259, directory, (long)path, mode, (long)device);
    public static int ChangeOwnerAt(int directory, byte* path, uint user, uint group) =>
        (int)Call(260, directory, (long)path, user, group, 0x100);
    public static int Symlink(byte* target, int directory, byte* path) => (int)Call(266, (long)target, directory, (long)path);
    public static long ReadLink(int directory, byte* path, byte* to, long size) =>
        Call(267, directory, (long)path, (long)to, size);
    public static int Unshare(ulong flags) => (int)Call(272, (long)flags);
    public static int Limit(int resource, void* set, void* old) => (int)Call(302, 0, resource, (long)set, (long)old);
    public static int LimitOf(int pid, int resource, void* set, void* old) => (int)Call(302, pid, resource, (long)set, (long)old);
    public static int SetFileUser(uint user) => (int)Call(122, user);
    public static int SetFileGroup(uint group) => (int)Call(123, group);
    public static int GetCapabilities(void* header, void* data) => (int)Call(125, (long)header, (long)data);
    public static int SetNamespace(int fd, ulong types) => (int)Call(308, fd, (long)types);
    public static int Seccomp(uint operation, uint flags, void* argument) => (int)Call(317, operation, flags, (long)argument);
    public static int OpenTree(int directory, byte* path, uint flags) => (int)Call(428, directory, (long)path, flags);
    public static int MoveMount(int from, byte* fromPath, int to, byte* toPath, uint flags) =>
        (int)Call(429, from, (long)fromPath, to, (long)toPath, flags);
    public static int FsOpen(byte* type, uint flags) => (int)Call(430, (long)type, flags);
    public static int FsConfig(int fd, uint command, byte* key, void* value, int extra) =>
        (int)Call(431, fd, command, (long)key, (long)value, extra);
    public static int FsMount(int fd, uint flags, uint attributes) => (int)Call(432, fd, flags, attributes);
    public static int SetPersonality(ulong domain) => (int)Call(135, (long)domain);
    public static int SetAffinity(long bytes, void* mask) => (int)Call(203, 0, bytes, (long)mask);
    public static int SetScheduler(void* attributes) => (int)Call(314, 0, (long)attributes, 0);
    public static int SetIoPriority(uint priority) => (int)Call(251, 1, 0, priority);
    public static int JoinKeyring(byte* name) => (int)Call(250, 1, (long)name);

    public static int SetKeyringRights(int keyring, uint rights) => (int)Call(250, 5, keyring, rights);
    public static int ChangeRoot(byte* path) => (int)Call(161, (long)path);
    public static int ChangeMode(int fd, uint mode) => (int)Call(91, fd, mode);
    public static int ChangeModeAt(int directory, byte* path, uint mode) => (int)Call(268, directory, (long)path, mode);
    public static int StatAt(int directory, byte* path, Stat* to) => (int)Call(262, directory, (long)path, (long)to, 0x100);
    public static long ListDirectory(int fd, byte* to, long size) => Call(217, fd, (long)to, size);
    public static long SendFile(int to, int from, long count) => Call(40, to, from, 0, count);
    public static int PidDescriptor(int pid) => (int)Call(434, pid);
    public static int Fork() => (int)Call(57);

    /// <summary>clone(CLONE_PARENT | SIGCHLD): a copy whose parent is our own. Not clone3, which policies of system calls cannot look into.
    /// </summary>
    public static int ForkBeside() => (int)Call(56, 0x8000 | K.SIGCHLD);
    public static int AwaitSignal(ulong* set, SignalInfoKernel* info) => (int)Call(128, (long)set, (long)info, 0, 8);
    public static int Clone(CloneArguments* arguments) => (int)Call(435, (long)arguments, sizeof(CloneArguments));
    public static int CloseRange(uint first, uint last, uint flags) => (int)Call(436, first, last, flags);
    public static int OpenAt2(int directory, byte* path, OpenHow* how) =>
        (int)Call(437, directory, (long)path, (long)how, sizeof(OpenHow));
    public static int SetMountAttributes(int fd, byte* path, uint flags, MountAttributes* attributes) =>
        (int)Call(442, fd, (long)path, flags, (long)attributes, sizeof(MountAttributes));
    public static int Time(int clock, long* secondsNanoseconds) => clock_gettime(clock, secondsNanoseconds);

    public static void Exit(int code)
    {
        Call(231, code);
    }

    /// <summary>A literal is zero-terminated in the program's read-only data: its address is a C string.</summary>
    [MethodImpl(Inline)]
    public static byte* Z(ReadOnlySpan<byte> literal) => (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(literal));

    [LibraryImport("libc"), SuppressGCTransition]
    private static partial long syscall(long n, long a, long b, long c, long d, long e, long f);

    [LibraryImport("libc"), SuppressGCTransition]
    private static partial int* __errno_location();

    [LibraryImport("libc"), SuppressGCTransition]
    private static partial int clock_gettime(int clock, long* time);
}
