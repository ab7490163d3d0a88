using Berth.Faults;
using Berth.Oci.Images;

namespace Berth.Engine;

/// <summary>The Dockerfile instructions that <c>commit --change</c> and <c>import --change</c> take.</summary>
internal static class ChangeInstructions
{
    /// <exception cref="FaultException">InvalidArgument: unknown or wrong.</exception>
    public static ExecutionConfig Apply(ExecutionConfig config, IReadOnlyList<string> changes)
    {
        foreach (string line in changes.SelectMany(change => change.Split('\n')).Select(line => line.Trim()).Where(line => line.Length > 0))
        {
            string[] parts = line.Split([' ', '\t'], 2, StringSplitOptions.TrimEntries);
            string rest = parts.Length == 2 ? parts[1] : "";
            config = ApplyOne(config, parts[0].ToUpperInvariant(), rest);
        }
        return config;
    }

    private static ExecutionConfig ApplyOne(ExecutionConfig config, string name, string rest) => name switch
    {
        _ when rest.Length == 0 => throw FaultException.Invalid($"{name} requires at least one argument"),
        "CMD" => config with { Cmd = Command(rest) },
        "ENTRYPOINT" => config with { Entrypoint = Command(rest) },
        "ENV" => config with { Env = MergeEnvironment(config.Env ?? [], Pairs(rest)) },
        "LABEL" => config with { Labels = Merge(config.Labels, Pairs(rest)) },
        "EXPOSE" => config with { ExposedPorts = Add(config.ExposedPorts, Words(rest).Select(MergeSettings.NormalPort)) },
        "VOLUME" => config with { Volumes = Add(config.Volumes, rest.StartsWith('[') ? Json(rest) : Words(rest)) },
        "USER" => config with { User = rest },
        "WORKDIR" => config with { WorkingDir = ContainerPath.Clean(rest.StartsWith('/') ? rest : $"{config.WorkingDir}/{rest}") },
        "STOPSIGNAL" => SignalNames.Parse(rest) > 0 ? config with { StopSignal = rest } : config,
        "ONBUILD" => config with { OnBuild = [.. config.OnBuild ?? [], rest] },
        "HEALTHCHECK" when rest.Equals("NONE", StringComparison.OrdinalIgnoreCase) => config with { Healthcheck =
            new HealthConfig { Test = ["NONE"] } },
        _ => throw FaultException.Invalid($"{name} is not a valid change command"),
    };

    private static IReadOnlyList<string> Command(string text) => text.StartsWith('[') ? Json(text) : ["/bin/sh", "-c", text];

    private static IReadOnlyList<string> Json(string text)
    {
        try
        {
            using System.Text.Json.JsonDocument document = System.Text.Json.JsonDocument.Parse(text);
            return [.. document.RootElement.EnumerateArray().Select(item => item.GetString() ?? "")];
        }
        catch (Exception exception) when (exception is System.Text.Json.JsonException or InvalidOperationException)
        {
            throw FaultException.Invalid($"not a JSON list of texts: {text}", exception);
        }
    }

    private static List<string> Words(string text)
    {
        List<string> words = [];
        System.Text.StringBuilder word = new();
        char quote = '\0';
        bool isOpen = false;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c == '\\' && i + 1 < text.Length && quote != '\'')
                (word, isOpen) = (word.Append(text[++i]), true);
            else if (quote != '\0' && c == quote)
                quote = '\0';
            else if (quote == '\0' && c is '"' or '\'')
                (quote, isOpen) = (c, true);
            else if (quote == '\0' && char.IsWhiteSpace(c))
            {
                if (isOpen)
                    words.Add(word.ToString());
                (word, isOpen) = (word.Clear(), false);
            }
            else
                (word, isOpen) = (word.Append(c), true);
        }
        if (isOpen)
            words.Add(word.ToString());
        return words;
    }

    private static IReadOnlyList<(string Key, string Value)> Pairs(string text)
    {
        List<string> words = Words(text);
        if (words.Count > 1 && !words[0].Contains('='))
            return [(words[0], text[words[0].Length..].Trim())];
        return [.. words.Select(word => word.Split('=', 2) is [string key, string value] ? (key, value)
            : throw FaultException.Invalid($"Syntax error - can't find = in \"{word}\". Must be of the form: name=value"))];
    }

    private static IReadOnlyList<string> MergeEnvironment(IReadOnlyList<string> old, IReadOnlyList<(string Key, string Value)> pairs) =>
        [.. old.Where(entry => !pairs.Any(pair => entry.StartsWith(pair.Key + "=", StringComparison.Ordinal))),
            .. pairs.Select(pair => $"{pair.Key}={pair.Value}")];

    private static Dictionary<string,
        string> Merge(IReadOnlyDictionary<string, string>? old, IReadOnlyList<(string Key, string Value)> pairs)
    {
        Dictionary<string, string> result = new(old ?? new Dictionary<string, string>());
        foreach ((string key, string value) in pairs)
            result[key] = value;
        return result;
    }

    private static Dictionary<string, EmptyObject> Add(IReadOnlyDictionary<string, EmptyObject>? old, IEnumerable<string> keys)
    {
        Dictionary<string, EmptyObject> result = new(old ?? new Dictionary<string, EmptyObject>());
        foreach (string key in keys)
            result[key] = EmptyObject.Instance;
        return result;
    }
}
