using System.Runtime.InteropServices;
using Berth.Linux.Files;

namespace Berth.Linux.Sockets;

/// <summary>Unix sockets as plain descriptors, with calls that wait, and descriptors sent over them.</summary>
/// <remarks>unix(7), SCM_RIGHTS; socket(2), connect(2), sendmsg(2), recvmsg(2). For programs that run for milliseconds: no thread is
/// started and nothing is registered anywhere.</remarks>
public static unsafe partial class DescriptorSockets
{
    private const int AF_UNIX = 1, SOCK_STREAM = 1, SOCK_SEQPACKET = 5, SOCK_CLOEXEC = 0x80000;
    private const int SOL_SOCKET = 1, SCM_RIGHTS = 1, MSG_CMSG_CLOEXEC = 0x40000000, MSG_NOSIGNAL = 0x4000;
    private const int AddressPathMax = 107;

    /// <summary>A connected pair that keeps packets apart; both ends are close-on-exec.</summary>
    /// <exception cref="LinuxException">EMFILE: out of descriptors.</exception>
    public static (FileDescriptor Own, FileDescriptor Other) CreatePair()
    {
        int* pair = stackalloc int[2];
        return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0
            ? (new FileDescriptor(pair[0]), new FileDescriptor(pair[1]))
            : throw LinuxException.FromLastError("socketpair", "AF_UNIX");
    }

    /// <summary>Connects to a socket that carries a stream, at a path of any length.</summary>
    /// <exception cref="LinuxException">ENOENT, ECONNREFUSED: nobody listens there.</exception>
    public static FileDescriptor ConnectStream(string path) => Connect(path, SOCK_STREAM);

    /// <summary>Connects to a socket that keeps packets apart, at a path of any length.</summary>
    /// <exception cref="LinuxException">ENOENT, ECONNREFUSED: nobody listens there.</exception>
    public static FileDescriptor ConnectPackets(string path) => Connect(path, SOCK_SEQPACKET);

    /// <summary>Connects to a stream socket that has a name and no file. unix(7), "abstract".</summary>
    /// <exception cref="LinuxException">ECONNREFUSED: nobody listens there. EINVAL: the name is too long.</exception>
    public static FileDescriptor ConnectAbstract(string name)
    {
        byte[] address = [0, .. System.Text.Encoding.UTF8.GetBytes(name)];
        return address.Length <= AddressPathMax + 1 ? Connect(address, name, SOCK_STREAM)
            : throw new LinuxException("connect", name, Errno.EINVAL);
    }

    private static FileDescriptor Connect(string path, int type)
    {
        byte[] text = FileCalls.PathOf(path);
        if (text.Length <= AddressPathMax)
            return Connect(text, path, type);
        // sun_path has 108 bytes; the directory's descriptor makes any path short.
        using FileDescriptor directory = FileCalls.OpenDirectory(System.IO.Path.GetDirectoryName(path) ?? "/");
        string shorter = $"/proc/self/fd/{directory.Number}/{System.IO.Path.GetFileName(path)}";
        return Connect(FileCalls.PathOf(shorter), path, type);
    }

    private static FileDescriptor Connect(ReadOnlySpan<byte> path, string shown, int type)
    {
        byte* address = stackalloc byte[2 + AddressPathMax + 1];
        *(ushort*)address = AF_UNIX;
        path.CopyTo(new Span<byte>(address + 2, AddressPathMax + 1));
        int descriptor = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
        if (descriptor < 0)
            throw LinuxException.FromLastError("socket", shown);
        FileDescriptor connection = new(descriptor);
        if (connect(descriptor, address, (uint)(2 + path.Length)) == 0)
            return connection;
        LinuxException refused = LinuxException.FromLastError("connect", shown);
        connection.Dispose();
        throw refused;
    }

    /// <summary>Sends bytes and, with them, a descriptor.</summary>
    /// <param name="connection">Where.</param>
    /// <param name="bytes">At least one.</param>
    /// <param name="descriptor">A descriptor for the other side, or null.</param>
    /// <exception cref="LinuxException">EPIPE: the other side has gone.</exception>
    public static void Send(FileDescriptor connection, ReadOnlySpan<byte> bytes, FileDescriptor? descriptor = null)
    {
        fixed (byte* content = bytes)
        {
            Vector vector = new() { Base = content, Length = bytes.Length };
            Rights rights = new() { Length = 20, Level = SOL_SOCKET, Type = SCM_RIGHTS, Descriptor = descriptor?.Number ?? -1 };
            MessageHeader message = new() { Vectors = &vector, VectorCount = 1 };
            if (descriptor is not null)
            {
                message.Control = &rights;
                message.ControlLength = sizeof(Rights);
            }
            while (sendmsg(connection, &message, MSG_NOSIGNAL) < 0)
            {
                if (Marshal.GetLastPInvokeError() != Errno.EINTR)
                    throw LinuxException.FromLastError("sendmsg", $"{bytes.Length} bytes");
            }
        }
    }

    /// <summary>Waits until something can be received, or the other side has gone; or until a process has ended, and then there is
    /// nothing to be received. poll(2).</summary>
    /// <param name="connection">From where.</param>
    /// <param name="process">The process; null: only looks, without waiting.</param>
    /// <returns>False when there is nothing.</returns>
    public static bool AwaitInput(FileDescriptor connection, Processes.ProcessHandle? process)
    {
        const short readable = 1;
        PollEntry* entries = stackalloc PollEntry[2];
        while (true)
        {
            entries[0] = new PollEntry { Descriptor = connection.Number, Events = readable };
            entries[1] = new PollEntry { Descriptor = process?.Number ?? -1, Events = readable };
            int ready = poll(entries, 2, process is null ? 0 : -1);
            if (ready < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR)
                continue;
            if (ready < 0)
                throw LinuxException.FromLastError("poll", "");
            if (entries[0].Returned != 0 || process is null)
                return entries[0].Returned != 0;
            // What it said last may have come between the two looks.
            process = null;
        }
    }

    /// <summary>Waits until something can be received, or the other side has gone. poll(2).</summary>
    /// <param name="connection">From where.</param>
    /// <param name="patience">How long.</param>
    /// <returns>False when there was nothing in that time.</returns>
    public static bool AwaitInput(FileDescriptor connection, TimeSpan patience)
    {
        const short readable = 1;
        long end = Environment.TickCount64 + (long)Math.Ceiling(patience.TotalMilliseconds);
        PollEntry entry = new() { Descriptor = connection.Number, Events = readable };
        while (true)
        {
            int ready = poll(&entry, 1, (int)Math.Clamp(end - Environment.TickCount64, 0, int.MaxValue));
            if (ready >= 0)
                return ready > 0;
            if (Marshal.GetLastPInvokeError() != Errno.EINTR)
                throw LinuxException.FromLastError("poll", "");
        }
    }

    /// <summary>Waits for the next packet.</summary>
    /// <param name="connection">From where.</param>
    /// <param name="buffer">Takes its bytes.</param>
    /// <param name="descriptor">A descriptor that came with it, the caller's to dispose, or null.</param>
    /// <returns>How many bytes; 0 when the other side has gone.</returns>
    /// <exception cref="LinuxException">The kernel's refusal.</exception>
    public static int Receive(FileDescriptor connection, Span<byte> buffer, out FileDescriptor? descriptor)
    {
        fixed (byte* content = buffer)
        {
            Rights rights = default;
            Vector vector = new() { Base = content, Length = buffer.Length };
            MessageHeader message = new()
            {
                Vectors = &vector, VectorCount = 1, Control = &rights, ControlLength = sizeof(Rights),
            };
            nint count;
            while ((count = recvmsg(connection, &message, MSG_CMSG_CLOEXEC)) < 0)
            {
                int error = Marshal.GetLastPInvokeError();
                if (error == Errno.ECONNRESET)
                    count = 0;
                else if (error != Errno.EINTR)
                    throw LinuxException.FromLastError("recvmsg", "");
                if (count == 0)
                    break;
            }
            bool has = count > 0 && message.ControlLength > 0 && rights.Type == SCM_RIGHTS && rights.Level == SOL_SOCKET;
            descriptor = has ? new FileDescriptor(rights.Descriptor) : null;
            return (int)count;
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct PollEntry
    {
        public int Descriptor;
        public short Events, Returned;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Vector
    {
        public void* Base;
        public nint Length;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct MessageHeader
    {
        public void* Name;
        public uint NameLength;
        public Vector* Vectors;
        public nint VectorCount;
        public void* Control;
        public nint ControlLength;
        public int Flags;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Rights
    {
        public nint Length;
        public int Level, Type;
        public int Descriptor, Padding;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int poll(PollEntry* entries, nuint count, int timeoutMilliseconds);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int socketpair(int family, int type, int protocol, int* pair);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int socket(int family, int type, int protocol);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int connect(int descriptor, byte* address, uint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint sendmsg(FileDescriptor descriptor, MessageHeader* message, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recvmsg(FileDescriptor descriptor, MessageHeader* message, int flags);
}
