using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;

namespace Berth.Engine;

/// <summary>The files of one log: <c>x</c>, and what was rotated away as <c>x.1</c> (the newest) and up, some with <c>.gz</c>.</summary>
/// <remarks>Names change whenever the monitor rotates. A file is therefore known by its first line, which holds a time in nanoseconds
/// and survives renaming, compressing and a restart of the engine, unlike name, inode and descriptor.</remarks>
internal static class LogFiles
{
    /// <summary>What compressed files end in.</summary>
    public const string Suffix = ".gz";

    private const int FirstLineBytes = 512;
    private const int LooksMax = 3;

    /// <summary>All files there are, the oldest first and the one being written last.</summary>
    public static IReadOnlyList<string> OldestFirst(string path)
    {
        string directory = Path.GetDirectoryName(path)!;
        string prefix = Path.GetFileName(path) + ".";
        if (!Directory.Exists(directory))
            return [];
        List<(int Number, string Path)> rotated = [];
        foreach (string file in Directory.EnumerateFiles(directory, prefix + "*"))
            if (NumberOf(file, path) is { } number)
                rotated.Add((number, file));
        IEnumerable<string> files = rotated.OrderByDescending(file => file.Number)
            // Both forms of one number for an instant: what was compressed is older than what was just rotated there.
            .ThenByDescending(file => file.Path.Length).Select(file => file.Path);
        return File.Exists(path) ? [.. files, path] : [.. files];
    }

    /// <summary>The number of a rotated file; null: it is none.</summary>
    public static int? NumberOf(string file, string path)
    {
        if (file.Length <= path.Length + 1)
            return null;
        ReadOnlySpan<char> number = file.AsSpan(path.Length + 1);
        if (number.EndsWith(Suffix, StringComparison.Ordinal))
            number = number[..^Suffix.Length];
        return int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : null;
    }

    /// <summary>Opens one for reading; null: it is gone.</summary>
    public static Stream? TryOpen(string file)
    {
        try
        {
            FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            return file.EndsWith(Suffix, StringComparison.Ordinal) ? new GZipStream(stream, CompressionMode.Decompress) : stream;
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>What a file is known by; null: it is gone, or has no whole line yet.</summary>
    public static string? IdentityOf(string file)
    {
        using Stream? stream = TryOpen(file);
        if (stream is null)
            return null;
        byte[] start = new byte[FirstLineBytes];
        try
        {
            return IdentityOf(start.AsSpan(0, stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)));
        }
        catch (InvalidDataException)
        {
            // Damaged: it can neither be read nor followed.
            return null;
        }
    }

    /// <summary>What the file that begins so is known by; null while its first line is not whole.</summary>
    public static string? IdentityOf(ReadOnlySpan<byte> start)
    {
        // The time stands at the end of a line, so a long line counts with all that is looked at of it.
        int end = start.IndexOf((byte)'\n');
        return end < 0 && start.Length < FirstLineBytes ? null
            : Convert.ToHexStringLower(SHA256.HashData(end < 0 ? start : start[..end]))[..32];
    }

    /// <summary>The file written after the one with this identity; null: there is none, or it is the last.</summary>
    public static string? After(string path, string identity)
    {
        // A listing while the monitor renames may leave one out: only what is missing repeatedly is gone.
        for (int look = 0; look < LooksMax; look++)
        {
            IReadOnlyList<string> files = OldestFirst(path);
            for (int i = files.Count - 1; i >= 0; i--)
                if (IdentityOf(files[i]) == identity)
                    return i + 1 < files.Count ? files[i + 1] : null;
        }
        return OldestFirst(path) is [string oldest, ..] ? oldest : null;
    }
}
