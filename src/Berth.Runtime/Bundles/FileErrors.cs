using System.Runtime.InteropServices;
using Berth.Linux;

namespace Berth.Runtime.Bundles;

/// <summary>What is wrong with a file that was named, in the kernel's words. The program leaves out .NET's texts, whose keys would be
/// shown.</summary>
public static class FileErrors
{
    private const int ErrorsMax = 4096;

    /// <summary>A sentence with the path.</summary>
    public static string TextOf(Exception failure)
    {
        if (failure is LinuxException)
            return failure.Message;
        string path = PathIn(failure.Message);
        return failure switch
        {
            FileNotFoundException or DirectoryNotFoundException => Sentence(path, "no such file or directory"),
            PathTooLongException => Sentence(path, "file name too long"),
            UnauthorizedAccessException => Sentence(path, IsReadableDirectory(path) ? "is a directory" : "permission denied"),
            // .NET's own I/O failures have the kernel's error number as their HResult.
            IOException { HResult: > 0 and < ErrorsMax } => path.Length == 0 ? Words(failure.HResult) : $"{path}: {Words(failure.HResult)}",
            _ => failure.Message,
        };
    }

    // "KEY, path" where a text would be, or the kernel's own text and " : 'path'".
    private static string PathIn(string message)
    {
        const string Before = " : '";
        int quoted = message.IndexOf(Before, StringComparison.Ordinal);
        if (quoted >= 0 && message.EndsWith('\''))
            return message[(quoted + Before.Length)..^1];
        int comma = message.IndexOf(", ", StringComparison.Ordinal);
        return comma < 0 ? "" : message[(comma + 2)..];
    }

    private static string Sentence(string path, string reason) => path.Length > 0 ? $"open {path}: {reason}" : reason;

    // .NET says of a directory that is opened as a file what it says of one that may not be looked into.
    private static bool IsReadableDirectory(string path)
    {
        try
        {
            if (!Directory.Exists(path))
                return false;
            using IEnumerator<string> entries = Directory.EnumerateFileSystemEntries(path).GetEnumerator();
            return true;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Go's text of an error number: strerror's in lower case.</summary>
    internal static string Words(int error)
    {
        string text = Marshal.GetPInvokeErrorMessage(error);
        return text.Length > 1 && char.IsLower(text[1]) ? char.ToLowerInvariant(text[0]) + text[1..] : text;
    }
}
