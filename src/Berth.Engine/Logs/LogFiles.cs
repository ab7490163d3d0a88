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

    /// <summary>How much of a file's beginning it is known by.</summary>
    public const int FirstLineBytes = 512;

    private const int LooksMax = 60;
    private const int QuickLooks = 10;
    private const int PauseMilliseconds = 10;

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

    /// <summary>Opens the file written after the one with this identity; null: there is none yet.</summary>
    /// <remarks>The monitor renames the oldest file first. So when a file still has its number after the one below that number was
    /// opened, no rotation has come between, and the opened one is its successor.</remarks>
    public static (Stream Stream, bool IsCurrent)? OpenAfter(string path, string identity)
    {
        for (int look = 0; look < LooksMax; look++)
        {
            Pause(look);
            if (NumberOfIdentity(path, identity) is not { } number)
                continue;
            if (number == 0)
                return null;
            Stream? next = OpenNumber(path, number - 1);
            if (HasIdentity(path, number, identity))
            {
                // Between two renames the lowest name is missing for an instant, and a file has both or one of its forms.
                if (next is not null || number == 1)
                    return next is null ? null : (next, number == 1);
                continue;
            }
            next?.Dispose();
        }
        // What is missing repeatedly is gone: the oldest, and everything that is left is younger; or somebody removed the one after ours.
        int known = NumberOfIdentity(path, identity) ?? int.MaxValue;
        string? left = OldestFirst(path).FirstOrDefault(file => (NumberOf(file, path) ?? 0) < known);
        return left is not null && TryOpen(left) is { } stream ? (stream, left == path) : null;
    }

    /// <summary>Opens the oldest file; null: there is none.</summary>
    public static (Stream Stream, bool IsCurrent)? OpenOldest(string path)
    {
        for (int look = 0; look < LooksMax; look++)
        {
            Pause(look);
            IReadOnlyList<string> files = OldestFirst(path);
            if (files.Count == 0)
                return null;
            int number = NumberOf(files[0], path) ?? 0;
            if (TryOpen(files[0]) is not { } stream)
                continue;
            // Nothing has moved to a higher number meanwhile, so the name still meant the oldest when it was opened.
            if (!File.Exists($"{path}.{number + 1}") && !File.Exists($"{path}.{number + 1}{Suffix}"))
                return (stream, number == 0);
            stream.Dispose();
        }
        return null;
    }

    /// <summary>Opens the file with this identity; null: it is gone.</summary>
    public static Stream? OpenIdentity(string path, string identity)
    {
        for (int look = 0; look < LooksMax; look++)
        {
            Pause(look);
            if (NumberOfIdentity(path, identity) is not { } number)
                continue;
            Stream? stream = OpenNumber(path, number);
            if (stream is not null && (number == 0 ? IdentityOf(path) == identity : HasIdentity(path, number, identity)))
                return stream;
            stream?.Dispose();
        }
        return null;
    }

    // Whoever renames may be stopped by the scheduler between two names, for longer than many looks take.
    private static void Pause(int look)
    {
        if (look >= QuickLooks)
            Thread.Sleep(PauseMilliseconds);
    }

    private static int? NumberOfIdentity(string path, string identity)
    {
        if (IdentityOf(path) == identity)
            return 0;
        foreach (string file in OldestFirst(path).Reverse())
            if (file != path && NumberOf(file, path) is { } number && IdentityOf(file) == identity)
                return number;
        return null;
    }

    private static bool HasIdentity(string path, int number, string identity) =>
        IdentityOf($"{path}.{number}") == identity || IdentityOf($"{path}.{number}{Suffix}") == identity;

    private static Stream? OpenNumber(string path, int number) => number == 0 ? TryOpen(path)
        : TryOpen($"{path}.{number}") ?? TryOpen($"{path}.{number}{Suffix}") ?? TryOpen($"{path}.{number}");
}
