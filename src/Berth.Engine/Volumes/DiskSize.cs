namespace Berth.Engine;

/// <summary>Bytes that a tree takes up.</summary>
internal static class DiskSize
{
    private static readonly EnumerationOptions s_all = new()
    {
        RecurseSubdirectories = true, IgnoreInaccessible = true, AttributesToSkip = FileAttributes.ReparsePoint,
    };

    /// <summary>The sum of its regular files' sizes; links are not followed.</summary>
    public static long Of(string directory) =>
        Directory.Exists(directory) ? new DirectoryInfo(directory).EnumerateFiles("*", s_all).Sum(file => file.Length) : 0;
}
