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
    /// <param name="arguments">Its arguments, the zeroth included.</param>
    /// <param name="descriptors">What it gets as descriptors 0, 1, 2, …; -1 leaves one closed.</param>
    /// <param name="environment">Its whole environment, <c>NAME=value</c>; none when left out.</param>
    /// <param name="directory">Where it starts; null: here.</param>
    /// <returns>The pid. It is a child: <see cref="Reap"/> it.</returns>
    /// <exception cref="LinuxException">ENOENT, EACCES: the program. EAGAIN: too many processes.</exception>
    public static int Spawn(
        string path, IReadOnlyList<string> arguments, ReadOnlySpan<int> descriptors, IReadOnlyList<string>? environment = null,
        string? directory = null)
    {
        byte* actions = stackalloc byte[OpaqueBytes];
        byte* attributes = stackalloc byte[OpaqueBytes];
        byte* signals = stackalloc byte[128];
        posix_spawn_file_actions_init(actions);
        posix_spawnattr_init(attributes);
        Span<int> copies = stackalloc int[descriptors.Length];
        copies.Fill(-1);
        using TextArray texts = new(arguments);
        using TextArray variables = new(environment ?? []);
        nint programPath = Marshal.StringToCoTaskMemUTF8(path);
        try
        {
            new Span<byte>(signals, 128).Clear();
            posix_spawnattr_setsigmask(attributes, signals);
            new Span<byte>(signals, 128).Fill(0xFF);
            posix_spawnattr_setsigdefault(attributes, signals);
            posix_spawnattr_setflags(attributes, SpawnFlags);
            AddDescriptors(actions, descriptors, copies);
            if (directory is not null)
                posix_spawn_file_actions_addchdir_np(actions, directory);
            int pid;
            int error = posix_spawn(&pid, (byte*)programPath, actions, attributes, texts.Pointer, variables.Pointer);
            return error == 0 ? pid : throw new LinuxException("posix_spawn", path, error);
        }
        finally
        {
            Marshal.FreeCoTaskMem(programPath);
            foreach (int copy in copies)
                _ = copy >= 0 ? close(copy) : 0;
            posix_spawn_file_actions_destroy(actions);
            posix_spawnattr_destroy(attributes);
        }
    }

    /// <summary>Becomes another program, with this process's number, descriptors that are not close-on-exec, and environment.</summary>
    /// <param name="path">The program.</param>
    /// <param name="arguments">Its arguments, the zeroth included.</param>
    /// <exception cref="LinuxException">ENOENT, EACCES: the program.</exception>
    public static void Replace(string path, IReadOnlyList<string> arguments)
    {
        using TextArray texts = new(arguments);
        using TextArray variables = new([.. Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>()
            .Select(static pair => $"{pair.Key}={pair.Value}")]);
        nint program = Marshal.StringToCoTaskMemUTF8(path);
        execve((byte*)program, texts.Pointer, variables.Pointer);
        LinuxException refused = LinuxException.FromLastError("execve", path);
        Marshal.FreeCoTaskMem(program);
        throw refused;
    }

    /// <summary>Waits for the end of a child that is about to end; nothing when it is not ours.</summary>
    public static void Reap(int pid)
    {
        int status;
        while (wait4(pid, &status, 0, null) < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR)
        {
        }
    }

    /// <summary>Waits for the end of a child.</summary>
    /// <returns>Its exit code; 128 + n when signal n ended it; null when there is no such child.</returns>
    public static int? Wait(int pid)
    {
        int status;
        int ended;
        while ((ended = wait4(pid, &status, 0, null)) < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR)
        {
        }
        return ended < 0 ? null : (status & 0x7F) == 0 ? status >> 8 & 0xFF : 128 + (status & 0x7F);
    }

    /// <summary>Makes this process the parent of what its descendants leave behind, for good. prctl(2) PR_SET_CHILD_SUBREAPER.</summary>
    public static void BecomeSubreaper() => _ = prctl(36, 1, 0, 0, 0);

    /// <summary>Waits for the end of a child, and meanwhile reaps all others that end.</summary>
    /// <returns>As <see cref="Wait"/>.</returns>
    public static int? WaitAmongAll(int pid)
    {
        while (true)
        {
            int status;
            int ended = wait4(-1, &status, 0, null);
            if (ended == pid)
                return (status & 0x7F) == 0 ? status >> 8 & 0xFF : 128 + (status & 0x7F);
            if (ended < 0 && Marshal.GetLastPInvokeError() != Errno.EINTR)
                return null;
        }
    }

    // An array of C strings, ended by null, for as long as a call needs it.
    private readonly ref struct TextArray
    {
        private readonly int _count;

        public TextArray(IReadOnlyList<string> texts)
        {
            _count = texts.Count;
            Pointer = (byte**)NativeMemory.AllocZeroed((nuint)_count + 1, (nuint)sizeof(byte*));
            for (int i = 0; i < _count; i++)
                Pointer[i] = (byte*)Marshal.StringToCoTaskMemUTF8(texts[i]);
        }

        public byte** Pointer { get; }

        public void Dispose()
        {
            for (int i = 0; i < _count; i++)
                Marshal.FreeCoTaskMem((nint)Pointer[i]);
            NativeMemory.Free(Pointer);
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
    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int posix_spawn_file_actions_addchdir_np(byte* actions, string path);
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
    private static partial int execve(byte* path, byte** arguments, byte** environment);
    [LibraryImport("libc", SetLastError = true)]
    private static partial int wait4(int pid, int* status, int options, void* usage);
    [LibraryImport("libc")]
    private static partial int prctl(int option, nint a, nint b, nint c, nint d);
    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(int descriptor, int command, nint argument);
    [LibraryImport("libc")]
    private static partial int close(int descriptor);
}
