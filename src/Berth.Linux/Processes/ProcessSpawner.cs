using System.Runtime.InteropServices;

namespace Berth.Linux.Processes;

/// <summary>Starts programs without copying this process: posix_spawn(3), which shares memory until execve.</summary>
public static unsafe partial class ProcessSpawner
{
    // posix_spawnattr_setflags(3): SETSIGDEF | SETSIGMASK | SETSID.
    private const short SpawnFlags = 0x04 | 0x08 | 0x80;
    private const int F_DUPFD_CLOEXEC = 1030;
    // glibc's posix_spawn_file_actions_t and posix_spawnattr_t are smaller on every architecture.
    private const int OpaqueBytes = 512;

    /// <summary>Starts a program in a session of its own, with default signals and exactly the descriptors given.</summary>
    /// <param name="path">The program.</param>
    /// <param name="arguments">Its arguments, the zeroth included. Its environment is empty.</param>
    /// <param name="descriptors">What it gets as descriptors 0, 1, 2, …; -1 leaves one closed.</param>
    /// <returns>The pid. It is a child: <see cref="Reap"/> it.</returns>
    /// <exception cref="LinuxException">ENOENT, EACCES: the program. EAGAIN: too many processes.</exception>
    public static int Spawn(string path, IReadOnlyList<string> arguments, ReadOnlySpan<int> descriptors)
    {
        byte* actions = stackalloc byte[OpaqueBytes];
        byte* attributes = stackalloc byte[OpaqueBytes];
        byte* signals = stackalloc byte[128];
        posix_spawn_file_actions_init(actions);
        posix_spawnattr_init(attributes);
        Span<int> copies = stackalloc int[descriptors.Length];
        copies.Fill(-1);
        byte** texts = stackalloc byte*[arguments.Count + 1];
        nint programPath = Marshal.StringToCoTaskMemUTF8(path);
        try
        {
            new Span<byte>(signals, 128).Clear();
            posix_spawnattr_setsigmask(attributes, signals);
            new Span<byte>(signals, 128).Fill(0xFF);
            posix_spawnattr_setsigdefault(attributes, signals);
            posix_spawnattr_setflags(attributes, SpawnFlags);
            AddDescriptors(actions, descriptors, copies);
            for (int i = 0; i < arguments.Count; i++)
                texts[i] = (byte*)Marshal.StringToCoTaskMemUTF8(arguments[i]);
            texts[arguments.Count] = null;
            byte* noEnvironment = null;
            int pid;
            int error = posix_spawn(&pid, (byte*)programPath, actions, attributes, texts, &noEnvironment);
            return error == 0 ? pid : throw new LinuxException("posix_spawn", path, error);
        }
        finally
        {
            for (int i = 0; i < arguments.Count; i++)
                Marshal.FreeCoTaskMem((nint)texts[i]);
            Marshal.FreeCoTaskMem(programPath);
            foreach (int copy in copies)
                _ = copy >= 0 ? close(copy) : 0;
            posix_spawn_file_actions_destroy(actions);
            posix_spawnattr_destroy(attributes);
        }
    }

    /// <summary>Waits for the end of a child that is about to end; nothing when it is not ours.</summary>
    public static void Reap(int pid)
    {
        int status;
        while (wait4(pid, &status, 0, null) < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR)
        {
        }
    }

    // Copies lie above all targets, so that no target overwrites a source that is still to come.
    private static void AddDescriptors(byte* actions, ReadOnlySpan<int> descriptors, Span<int> copies)
    {
        for (int i = 0; i < descriptors.Length; i++)
        {
            if (descriptors[i] < 0)
                continue;
            copies[i] = fcntl(descriptors[i], F_DUPFD_CLOEXEC, descriptors.Length + 3);
            if (copies[i] < 0)
                throw LinuxException.FromLastError("fcntl", $"descriptor {descriptors[i]}");
            posix_spawn_file_actions_adddup2(actions, copies[i], i);
        }
    }

    [LibraryImport("libc")]
    private static partial int posix_spawn(int* pid, byte* path, byte* actions, byte* attributes, byte** arguments, byte** environment);
    [LibraryImport("libc")]
    private static partial void posix_spawn_file_actions_init(byte* actions);
    [LibraryImport("libc")]
    private static partial void posix_spawn_file_actions_destroy(byte* actions);
    [LibraryImport("libc")]
    private static partial void posix_spawn_file_actions_adddup2(byte* actions, int from, int to);
    [LibraryImport("libc")]
    private static partial void posix_spawnattr_init(byte* attributes);
    [LibraryImport("libc")]
    private static partial void posix_spawnattr_destroy(byte* attributes);
    [LibraryImport("libc")]
    private static partial void posix_spawnattr_setsigmask(byte* attributes, byte* set);
    [LibraryImport("libc")]
    private static partial void posix_spawnattr_setsigdefault(byte* attributes, byte* set);
    [LibraryImport("libc")]
    private static partial void posix_spawnattr_setflags(byte* attributes, short flags);
    [LibraryImport("libc", SetLastError = true)]
    private static partial int wait4(int pid, int* status, int options, void* usage);
    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(int descriptor, int command, nint argument);
    [LibraryImport("libc")]
    private static partial int close(int descriptor);
}
