namespace Berth.Builder.Solving;

/// <summary>Paths inside an image, as text for its configuration; files are always found by the kernel.</summary>
internal static class PathText
{
    /// <summary>An absolute path, cleaned of <c>.</c>, <c>..</c> and doubled slashes.</summary>
    public static string Join(string directory, string path)
    {
        List<string> parts = [];
        foreach (string part in (path.StartsWith('/') ? path : $"{directory}/{path}").Split('/'))
        {
            if (part == ".." && parts.Count > 0)
                parts.RemoveAt(parts.Count - 1);
            else if (part is not ("" or "." or ".."))
                parts.Add(part);
        }
        return "/" + string.Join('/', parts);
    }

    /// <summary>As <see cref="Join"/>, with a slash at the end where the text means a directory.</summary>
    public static string JoinDestination(string directory, string path)
    {
        string joined = Join(directory, path);
        bool isDirectory = path is "" or "." or ".." || path.EndsWith('/') || path.EndsWith("/.", StringComparison.Ordinal);
        return isDirectory && joined != "/" ? joined + "/" : joined;
    }
}
