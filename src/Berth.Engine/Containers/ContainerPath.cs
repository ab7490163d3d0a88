namespace Berth.Engine;

/// <summary>Paths inside containers, as text only: they are resolved by the kernel beneath the container's root.</summary>
internal static class ContainerPath
{
    /// <summary>The shortest form: absolute, without <c>.</c>, <c>..</c> and doubled slashes.</summary>
    public static string Clean(string path)
    {
        List<string> parts = [];
        foreach (string part in path.Split('/'))
        {
            if (part is "" or ".")
                continue;
            if (part != "..")
                parts.Add(part);
            else if (parts.Count > 0)
                parts.RemoveAt(parts.Count - 1);
        }
        return "/" + string.Join('/', parts);
    }
}
