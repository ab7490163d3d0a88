using Berth.Cli.Parsing;

namespace Berth.Cli.Running;

/// <summary>Options of the form <c>key=value</c> and the files that hold them.</summary>
internal static class KeyValues
{
    /// <summary>Variables: those of the files first; a name alone takes the value from here.</summary>
    /// <exception cref="UsageException">A file cannot be read or a name is wrong.</exception>
    public static List<string> Environment(Session session, IReadOnlyList<string> given, IReadOnlyList<string> files)
    {
        List<string> all = [];
        foreach (string file in files)
        {
            foreach (string line in Lines(file))
            {
                // A name alone in a file that is not set here is left out; on the command line it unsets the image's.
                if (line.Contains('='))
                    all.Add(line);
                else if (session.Environment.TryGetValue(line, out string? value))
                    all.Add($"{line}={value}");
            }
        }
        foreach (string variable in given)
        {
            if (variable.Length == 0 || variable[0] == '=')
                throw new UsageException(
                    $"invalid argument \"{variable}\" for \"-e, --env\" flag: invalid environment variable: {variable}");
            all.Add(variable.Contains('=') ? variable
                : session.Environment.TryGetValue(variable, out string? value) ? $"{variable}={value}" : variable);
        }
        return all;
    }

    public static Dictionary<string, string> Labels(IReadOnlyList<string> given, IReadOnlyList<string> files)
    {
        Dictionary<string, string> labels = new(StringComparer.Ordinal);
        foreach (string text in files.SelectMany(Lines).Concat(given))
        {
            (string key, string value) = Split(text);
            if (key.Length == 0)
                throw new UsageException($"invalid label '{text}': empty name");
            labels[key] = value;
        }
        return labels;
    }

    public static Dictionary<string, string> Map(IEnumerable<string> given)
    {
        Dictionary<string, string> map = new(StringComparer.Ordinal);
        foreach (string text in given)
        {
            (string key, string value) = Split(text);
            map[key] = value;
        }
        return map;
    }

    /// <summary>As <see cref="Map"/>, but each needs its value.</summary>
    /// <exception cref="UsageException">One has no equals sign.</exception>
    public static Dictionary<string, string> Pairs(IEnumerable<string> given, string flag)
    {
        Dictionary<string, string> map = new(StringComparer.Ordinal);
        foreach (string text in given)
        {
            (string key, string value) = Split(text);
            map[key] = text.Contains('=') ? value : throw new UsageException($"invalid {flag}: {text}: must be formatted as key=value");
        }
        return map;
    }

    public static (string Key, string Value) Split(string text)
    {
        int equals = text.IndexOf('=');
        return equals < 0 ? (text, "") : (text[..equals], text[(equals + 1)..]);
    }

    private static IEnumerable<string> Lines(string file)
    {
        string[] lines;
        try
        {
            lines = File.ReadAllLines(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException(
                $"open {file}: {(e is FileNotFoundException or DirectoryNotFoundException ? "no such file or directory" : e.Message)}");
        }
        for (int i = 0; i < lines.Length; i++)
        {
            string line = (i == 0 ? lines[i].TrimStart('\uFEFF') : lines[i]).TrimStart();
            if (line.Length == 0 || line[0] == '#')
                continue;
            string name = line.Split('=')[0];
            if (name.Length == 0)
                throw new UsageException($"invalid env file ({file}): no variable name on line '{line}'");
            if (name.AsSpan().ContainsAny(' ', '\t'))
                throw new UsageException($"invalid env file ({file}): variable '{name}' contains whitespaces");
            yield return line;
        }
    }
}
