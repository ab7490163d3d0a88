namespace Berth.RuntimeProgram.CommandLine;

/// <summary>What is wrong with a file that was named, in the kernel's words. The program leaves out .NET's texts, whose keys would be
/// shown.</summary>
internal static class FileErrors
{
    /// <summary>A sentence with the path.</summary>
    public static string TextOf(Exception failure)
    {
        // "KEY" or "KEY, path" where the text would be; the kernel's own text otherwise.
        string message = failure.Message;
        int comma = message.IndexOf(", ", StringComparison.Ordinal);
        string path = comma < 0 ? "" : message[(comma + 2)..];
        string? reason = failure switch
        {
            FileNotFoundException or DirectoryNotFoundException => "no such file or directory",
            PathTooLongException => "file name too long",
            UnauthorizedAccessException => Directory.Exists(path) ? "is a directory" : "permission denied",
            _ => null,
        };
        return reason is null ? message : path.Length > 0 ? $"open {path}: {reason}" : reason;
    }
}
