using System.Text.Json;
using System.Text.Json.Nodes;
using Berth.Cli.Text;
using Berth.Faults;

namespace Berth.Cli.Configuration;

/// <summary>Docker's <c>config.json</c> but for its accounts: formats, proxies, headers, the current context.</summary>
/// <remarks>Read leniently and written back with everything it had. Accounts are read by <see
/// cref="Berth.Credentials.DockerConfigFile"/>.</remarks>
internal sealed class ConfigFile
{
    private static readonly (string Key, string Name)[] s_proxyVariables =
    [
        ("httpProxy", "HTTP_PROXY"), ("httpsProxy", "HTTPS_PROXY"), ("ftpProxy", "FTP_PROXY"), ("noProxy", "NO_PROXY"),
        ("allProxy", "ALL_PROXY"),
    ];

    private readonly string _path;
    private readonly JsonObject _root;
    private bool _isBroken;

    private ConfigFile(string path, JsonObject root) => (_path, _root) = (path, root);

    public string CurrentContext => Text("currentContext");

    public string DetachKeys => Text("detachKeys");

    public IReadOnlyDictionary<string, string> HttpHeaders => Map(_root[nameof(HttpHeaders)]);

    /// <summary>Reads the file of a directory. One that is broken is told of and is as if it were not there, but for writing.</summary>
    public static ConfigFile Load(string directory, Action<string> warn)
    {
        string path = Path.Combine(directory, "config.json");
        // Asked first: an exception is dearer than the whole rest of a short command, and most users have no such file.
        if (!File.Exists(path))
            return new ConfigFile(path, []);
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new ConfigFile(path, []);
        }
        try
        {
            if (bytes.AsSpan().Trim(" \t\r\n"u8).IsEmpty)
                return new ConfigFile(path, []);
            return new ConfigFile(path, JsonNode.Parse(bytes) as JsonObject ?? throw new JsonException("it is not an object"));
        }
        catch (JsonException e)
        {
            warn($"WARNING: Error parsing config file ({path}): {e.Message}");
            return new ConfigFile(path, []) { _isBroken = true };
        }
    }

    /// <summary>A formatting preference such as <c>psFormat</c>, or empty.</summary>
    public string Text(string name) => _root[name] is JsonValue value && value.TryGetValue(out string? text) ? text : "";

    /// <summary>A list of strings such as <c>cliPluginsExtraDirs</c>.</summary>
    public IReadOnlyList<string> Texts(string name) => _root[name] is JsonArray list
        ? [.. list.OfType<JsonValue>().Select(static v => v.TryGetValue(out string? text) ? text : null).OfType<string>()] : [];

    /// <summary>A map of strings such as <c>credHelpers</c>.</summary>
    public IReadOnlyDictionary<string, string> Map(string name) => Map(_root[name]);

    /// <summary>The settings of plugins, by the plugins' names in order.</summary>
    public IEnumerable<KeyValuePair<string, IReadOnlyDictionary<string, string>>> Plugins => _root["plugins"] is JsonObject plugins
        ? plugins.OrderBy(static p => p.Key, StringComparer.Ordinal)
            .Select(static p => KeyValuePair.Create(p.Key, (IReadOnlyDictionary<string, string>)Map(p.Value)))
        : [];

    /// <summary>The proxy variables for an engine at an address: its own entry, else <c>default</c>.</summary>
    public IEnumerable<(string Name, string Value)> Proxies(string host)
    {
        JsonNode? proxies = _root["proxies"];
        IReadOnlyDictionary<string, string> chosen = Map(proxies?[host] ?? proxies?["default"]);
        foreach ((string key, string name) in s_proxyVariables)
        {
            if (!chosen.TryGetValue(key, out string? value) || value.Length == 0)
                continue;
            yield return (name, value);
            yield return (name.ToLowerInvariant(), value);
        }
    }

    public void SetCurrentContext(string name)
    {
        if (name.Length == 0 || name == "default")
            _root.Remove("currentContext");
        else
            _root["currentContext"] = name;
        Save();
    }

    /// <summary>Writes the file for the user's eyes only, whole or not at all.</summary>
    /// <exception cref="FaultException">InvalidArgument: what stands there could not be read and would be lost.</exception>
    public void Save()
    {
        if (_isBroken)
            throw FaultException.Invalid($"write {_path}: it is not valid JSON: mend or remove it first");
        string directory = Path.GetDirectoryName(_path)!;
        Directory.CreateDirectory(directory);
        FileInfo own = new(_path);
        string target = own.LinkTarget is null ? _path : own.ResolveLinkTarget(returnFinalTarget: true)!.FullName;
        string temporary = target + "." + System.Environment.ProcessId;
        using (FileStream file = new(temporary, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        }))
        {
            file.Write(System.Text.Encoding.UTF8.GetBytes(
                JsonIndent.Apply(_root.ToJsonString(), indent: "\t")));
        }
        File.Move(temporary, target, overwrite: true);
    }

    private static Dictionary<string, string> Map(JsonNode? node) => node is JsonObject map
        ? map.Where(static p => p.Value is JsonValue v && v.TryGetValue(out string? _))
            .ToDictionary(static p => p.Key, static p => p.Value!.GetValue<string>())
        : [];
}
