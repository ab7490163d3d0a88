using System.IO.Compression;

namespace Berth.Engine;

/// <summary>Compresses what was rotated away. The monitor goes on rotating meanwhile: it moves both forms along (Log.cs of the stage),
/// so a file is found again by its first line before anything is done to its name.</summary>
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
        if (PlainOf(path, identity) is not { } file || LogFiles.TryOpen(file) is not { } source)
            return;
        using (source)
        using (FileStream target = new(temporary, new FileStreamOptions
            { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = Mode }))
        using (GZipStream compressed = new(target, CompressionLevel.Fastest))
            source.CopyTo(compressed);
        Publish(path, identity, temporary);
    }

    // First the new form under the old one's number, then the old one goes: whoever reads in between finds it in both.
    private static void Publish(string path, string identity, string temporary)
    {
        if (PlainOf(path, identity) is not { } before)
        {
            File.Delete(temporary);
            return;
        }
        File.Move(temporary, before + LogFiles.Suffix, overwrite: true);
        string? now = PlainOf(path, identity);
        if (now != before && LogFiles.IdentityOf(before + LogFiles.Suffix) == identity)
        {
            // Rotated between the two: ours follows its number, or goes with the file that was the oldest.
            if (now is null)
                File.Delete(before + LogFiles.Suffix);
            else
                File.Move(before + LogFiles.Suffix, now + LogFiles.Suffix, overwrite: true);
        }
        if (now is not null)
            RemovePlain(path, now, identity);
    }

    // By renaming it first: the name could have become another file's since we looked.
    private static void RemovePlain(string path, string file, string identity)
    {
        string aside = path + ".compressed";
        File.Move(file, aside, overwrite: true);
        if (LogFiles.IdentityOf(aside) == identity)
            File.Delete(aside);
        else
            File.Move(aside, file, overwrite: false);
    }

    private static string? PlainOf(string path, string identity) => LogFiles.OldestFirst(path).FirstOrDefault(
        file => file != path && !file.EndsWith(LogFiles.Suffix, StringComparison.Ordinal) && LogFiles.IdentityOf(file) == identity);
}
