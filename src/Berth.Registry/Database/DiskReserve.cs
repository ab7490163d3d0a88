using System.Security.Cryptography;
using Berth.Linux;

namespace Berth.Registry.Database;

/// <summary>Room on the disk of the embedded database, kept for the moment when there is no other: a file that is there only to be made
/// shorter. Without it nothing could be removed from a full disk, because a removal has to be written first.</summary>
/// <remarks>
/// <para>
/// What is kept is the file's length and nothing else, so a process that is killed at any point, and several processes on one
/// directory, always find what is true. While the file is not whole, changes that make no room are refused, and so are the bytes of
/// uploads: what was given up is for those that do. It is made whole again as soon as there is room for all that is missing.
/// </para>
/// <para>
/// It is given up in pieces, as each deletion needs them, because an upload that is just writing may get one of them; and it is larger
/// than the log that SQLite keeps before it writes back (a thousand pages, 4 MiB), so that this can be written back and used anew.
/// </para>
/// </remarks>
internal sealed class DiskReserve(string path)
{
    /// <summary>How long the file is while there is room.</summary>
    public const long Bytes = 8 * 1024 * 1024;

    // Some pages of the log for each of several changes.
    private const long PieceBytes = 256 * 1024;

    // Left over when the file is made whole, so that it is not given up again with the next change.
    private const long MarginBytes = 1024 * 1024;

    private const int BlockBytes = 64 * 1024;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly Lock _gate = new();

    /// <summary>Whether changes that make no room have to be refused, or would soon fail.</summary>
    public bool IsDiskFull => Length < Bytes || Free < MarginBytes;

    /// <summary>Makes the file whole where it is not and there is room; false when there is none.</summary>
    public bool TryKeep()
    {
        // Asked before every change and every piece of an upload: the length alone, which is a microsecond.
        if (Length >= Bytes)
            return true;
        // Whoever has the lock, or the file, sees to it just now.
        if (!_gate.TryEnter())
            return true;
        try
        {
            using FileStream file = Open(FileMode.OpenOrCreate);
            long missing = Bytes - file.Length;
            // Not simply tried: for a moment it would take the room that a deletion was given.
            if (missing > 0 && Free < missing + MarginBytes)
                return false;
            // Really written, and not to be compressed: a file with holes keeps no room.
            byte[] block = RandomNumberGenerator.GetBytes(BlockBytes);
            file.Seek(0, SeekOrigin.End);
            for (; missing > 0; missing -= block.Length)
                file.Write(block, 0, (int)Math.Min(missing, block.Length));
            return true;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return IsHeld(refused);
        }
        finally
        {
            _gate.Exit();
        }
    }

    /// <summary>Gives some of the room away; false when there is none left for this.</summary>
    public bool Give(ReserveUse use)
    {
        long kept = use switch { ReserveUse.Freeing => 0, ReserveUse.SignIn => Bytes / 2, _ => Bytes };
        lock (_gate)
        {
            try
            {
                using FileStream file = Open(FileMode.Open);
                if (file.Length <= kept)
                    return false;
                file.SetLength(Math.Max(kept, file.Length - PieceBytes));
                return true;
            }
            catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
            {
                // Another process gives a piece away or adds one: tried again, there is room, or its turn is over.
                return IsHeld(refused);
            }
        }
    }

    private long Length
    {
        get
        {
            var file = new FileInfo(path);
            return file.Exists ? file.Length : 0;
        }
    }

    private long Free
    {
        get
        {
            try
            {
                return new DriveInfo(Path.GetDirectoryName(Path.GetFullPath(path))!).AvailableFreeSpace;
            }
            catch (IOException)
            {
                return 0;
            }
        }
    }

    // Nobody shares it, which other processes heed, too (flock): one that adds and one that takes would leave a hole.
    private FileStream Open(FileMode mode)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.Write, Share = FileShare.None, BufferSize = 0 };
        if (mode is FileMode.OpenOrCreate)
            options.UnixCreateMode = OwnerOnly;
        return new FileStream(path, options);
    }

    // .NET's failures of files have the error number as their HResult.
    private static bool IsHeld(Exception refused) => refused.HResult == Errno.EAGAIN;
}
