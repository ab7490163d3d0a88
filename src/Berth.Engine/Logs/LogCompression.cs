using System.IO.Compression;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Engine;

/// <summary>Compresses what was rotated away. The monitor goes on rotating meanwhile: it moves both forms along (Log.cs of the stage),
/// so a file is found again by its first line, under the lock that keeps the monitor from rotating, before its name is changed.</summary>
/// <remarks>The lock is the directory's: a file of its own would have to be there before the first rotation, and a monitor that found none
/// could still be renaming, for as long as the scheduler lets it wait, when the engine has made one.</remarks>
internal static class LogCompression
{
    // One file at a time in the whole engine: two hands at one log would take each other's files, and compressing is never urgent.
    private static readonly Lock s_gate = new();

    private const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;

    /// <summary>Compresses the files older than the one known as <paramref name="upTo"/>; null: all that are rotated.</summary>
    public static void Run(string path, string? upTo)
    {
        foreach (string file in LogFiles.OldestFirst(path))
        {
            if (file == path)
                return;
            if (file.EndsWith(LogFiles.Suffix, StringComparison.Ordinal))
                continue;
            string? identity = LogFiles.IdentityOf(file);
            if (identity is null || identity == upTo)
                return;
            lock (s_gate)
                Compress(path, identity);
        }
    }

    private static void Compress(string path, string identity)
    {
        string temporary = path + ".compress";
        if (OpenPlain(path, identity) is not { } source)
            return;
        using (source)
        using (FileStream target = new(temporary, new FileStreamOptions
            { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = Mode }))
        using (GZipStream compressed = new(target, CompressionLevel.Fastest))
            source.CopyTo(compressed);
        Publish(path, identity, temporary);
    }

    // What was opened is looked at itself: between finding the name and opening it, it can have become another file's.
    private static Stream? OpenPlain(string path, string identity)
    {
        if (PlainOf(path, identity) is not { } file || LogFiles.TryOpen(file) is not { } source)
            return null;
        byte[] start = new byte[LogFiles.FirstLineBytes];
        int count = source.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        if (LogFiles.IdentityOf(start.AsSpan(0, count)) == identity)
        {
            source.Position = 0;
            return source;
        }
        source.Dispose();
        return null;
    }

    // First the new form under the old one's number, then the old one goes: whoever reads in between finds it in both.
    private static void Publish(string path, string identity, string temporary)
    {
        using FileDescriptor gate = OpenGate(path);
        while (FileCalls.TryLock(gate, FileCalls.LOCK_EX) == Errno.EINTR)
            continue;
        if (PlainOf(path, identity) is not { } file)
        {
            // It was the oldest, and went while it was compressed.
            File.Delete(temporary);
            return;
        }
        File.Move(temporary, file + LogFiles.Suffix, overwrite: true);
        File.Delete(file);
    }

    // The monitor does not rotate while the directory is locked (Log.cs of the stage), so that a name stays the name of one file.
    private static FileDescriptor OpenGate(string path) => FileCalls.OpenDirectory(Path.GetDirectoryName(path)!);

    private static string? PlainOf(string path, string identity) => LogFiles.OldestFirst(path).FirstOrDefault(
        file => file != path && !file.EndsWith(LogFiles.Suffix, StringComparison.Ordinal) && LogFiles.IdentityOf(file) == identity);
}
