using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Berth.Linux.Files;

// read(2), write(2), pwrite(2), lseek(2), ftruncate(2), fallocate(2), copy_file_range(2), sendfile(2), fsync(2), syncfs(2), flock(2).
public static unsafe partial class FileCalls
{
#pragma warning disable CS1591 // The names are those of lseek(2), fallocate(2) and flock(2).
    public const int SEEK_SET = 0;
    public const int SEEK_DATA = 3;
    public const int SEEK_HOLE = 4;
    public const int FALLOC_FL_KEEP_SIZE = 1;
    public const int LOCK_SH = 1;
    public const int LOCK_EX = 2;
    public const int LOCK_NB = 4;
    public const int LOCK_UN = 8;
    public const int SYNC_FILE_RANGE_WRITE = 2;
#pragma warning restore CS1591

    /// <summary>Reads at the file's position; 0 at its end.</summary>
    /// <exception cref="LinuxException">The kernel's refusal.</exception>
    public static int Read(FileDescriptor file, Span<byte> buffer)
    {
        fixed (byte* bytes = buffer)
        {
            while (true)
            {
                nint count = read(file, bytes, (nuint)buffer.Length);
                if (count >= 0)
                    return (int)count;
                if (Marshal.GetLastPInvokeError() != Errno.EINTR)
                    throw LinuxException.FromLastError("read", "descriptor");
            }
        }
    }

    /// <summary>Writes what the file takes at once, at its position.</summary>
    /// <returns>How many bytes it took.</returns>
    /// <exception cref="LinuxException">The kernel's refusal: EPIPE when nobody reads any more, EAGAIN when the descriptor does not wait.
    /// </exception>
    public static int Write(FileDescriptor file, ReadOnlySpan<byte> buffer)
    {
        fixed (byte* bytes = buffer)
        {
            while (true)
            {
                nint count = write(file, bytes, (nuint)buffer.Length);
                if (count >= 0)
                    return (int)count;
                if (Marshal.GetLastPInvokeError() != Errno.EINTR)
                    throw LinuxException.FromLastError("write", "descriptor");
            }
        }
    }

    /// <summary>Writes all bytes at the file's position.</summary>
    /// <returns>0 or the error number, such as ENOSPC.</returns>
    public static int TryWrite(FileDescriptor file, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            nuint done = 0;
            while (done < (nuint)bytes.Length)
            {
                nint count = write(file, start + done, (nuint)bytes.Length - done);
                if (count >= 0)
                    done += (nuint)count;
                else if (Marshal.GetLastPInvokeError() is not Errno.EINTR and int error)
                    return error;
            }
        }
        return 0;
    }

    /// <summary>Writes all bytes at an offset; the position stays.</summary>
    /// <returns>0 or the error number.</returns>
    public static int TryWriteAt(FileDescriptor file, ReadOnlySpan<byte> bytes, long offset)
    {
        fixed (byte* start = bytes)
        {
            nuint done = 0;
            while (done < (nuint)bytes.Length)
            {
                nint count = pwrite(file, start + done, (nuint)bytes.Length - done, offset + (long)done);
                if (count >= 0)
                    done += (nuint)count;
                else if (Marshal.GetLastPInvokeError() is not Errno.EINTR and int error)
                    return error;
            }
        }
        return 0;
    }

    /// <summary>Moves the position; with SEEK_DATA and SEEK_HOLE to the next of them.</summary>
    /// <returns>The new position; negative error number when refused (ENXIO: no more data).</returns>
    public static long Seek(FileDescriptor file, long offset, int whence)
    {
        long position = lseek(file, offset, whence);
        return position < 0 ? -Marshal.GetLastPInvokeError() : position;
    }

    /// <summary>Sets a file's length; what is added reads as zeros and takes no space.</summary>
    public static int TrySetLength(FileDescriptor file, long length) => ErrorOf(ftruncate(file, length));

    /// <summary>Reserves space on disk.</summary>
    public static int TryAllocate(FileDescriptor file, int mode, long offset, long length) =>
        ErrorOf(fallocate(file, mode, offset, length));

    /// <summary>Copies within the kernel at both files' positions, sharing extents where the file system can.</summary>
    /// <returns>Bytes copied, 0 at the end, negative error number when refused (EXDEV, EINVAL: use another way).</returns>
    public static long CopyRange(FileDescriptor from, FileDescriptor to, long countMax)
    {
        nint count = copy_file_range(from, null, to, null, (nuint)countMax, 0);
        return count < 0 ? -Marshal.GetLastPInvokeError() : count;
    }

    /// <summary>Copies from a file to a file or socket within the kernel.</summary>
    /// <returns>Bytes copied, 0 at the end, negative error number when refused.</returns>
    public static long SendFile(FileDescriptor from, FileDescriptor to, long countMax)
    {
        nint count = sendfile(to, from, null, (nuint)countMax);
        return count < 0 ? -Marshal.GetLastPInvokeError() : count;
    }

    /// <summary>Waits until a file's or directory's content and attributes are on disk.</summary>
    public static int TrySync(FileDescriptor file) => ErrorOf(fsync(file));

    /// <summary>Waits until a file's content, and what is needed to read it, is on disk.</summary>
    public static int TrySyncData(FileDescriptor file) => ErrorOf(fdatasync(file));

    /// <summary>Waits until everything written to the file system this file is on is on disk.</summary>
    public static int TrySyncFileSystem(FileDescriptor file) => ErrorOf(syncfs(file));

    /// <summary>
    /// Lets the kernel begin to write a part of a file to the disk and does not wait for it: who syncs the file later has less to wait
    /// for. It promises nothing.
    /// </summary>
    /// <remarks>sync_file_range(2), SYNC_FILE_RANGE_WRITE.</remarks>
    public static int TryBeginWriting(SafeFileHandle file, long offset, long count) =>
        ErrorOf(sync_file_range(file, offset, count, SYNC_FILE_RANGE_WRITE));

    /// <summary>Locks an open file for this open file description; EAGAIN (EWOULDBLOCK) with LOCK_NB when another holds it.</summary>
    public static int TryLock(FileDescriptor file, int operation) => ErrorOf(flock(file, operation));

    /// <summary>Gives back what <see cref="TryLock"/> took and closes the file.</summary>
    /// <remarks>To close it would not do: a process that another thread is just starting has the same open file description until it
    /// runs its program, and the lock would stay as long.</remarks>
    public static void Unlock(FileDescriptor file)
    {
        // Whoever gives it back twice has it no more.
        if (!file.IsClosed)
            _ = TryLock(file, LOCK_UN);
        file.Dispose();
    }

    /// <summary>Waits until a directory's names are on disk.</summary>
    /// <exception cref="LinuxException">The kernel's refusal.</exception>
    public static void SyncDirectory(string path)
    {
        using FileDescriptor directory = OpenDirectory(path);
        ThrowIf(TrySync(directory), "fsync", PathOf(path));
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int sync_file_range(SafeFileHandle file, long offset, long count, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint read(FileDescriptor file, byte* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint write(FileDescriptor file, byte* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint pwrite(FileDescriptor file, byte* buffer, nuint count, long offset);

    [LibraryImport("libc", SetLastError = true)]
    private static partial long lseek(FileDescriptor file, long offset, int whence);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ftruncate(FileDescriptor file, long length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fallocate(FileDescriptor file, int mode, long offset, long length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint copy_file_range(
        FileDescriptor from, long* fromOffset, FileDescriptor to, long* toOffset, nuint count, uint flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint sendfile(FileDescriptor to, FileDescriptor from, long* offset, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fsync(FileDescriptor file);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fdatasync(FileDescriptor file);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int syncfs(FileDescriptor file);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int flock(FileDescriptor file, int operation);
}
