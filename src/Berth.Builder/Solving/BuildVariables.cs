using Berth.Dockerfile.Expansion;
using Berth.Dockerfile.Instructions;
using Berth.Oci.Images;

namespace Berth.Builder.Solving;

/// <summary>Build arguments: what the client gave, what is predefined, and what was declared before the first FROM.</summary>
internal sealed class BuildVariables
{
    /// <summary>Usable in RUN without ARG, and neither in history nor in keys.</summary>
    public static IReadOnlyList<string> ProxyNames { get; } =
    [
        "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "FTP_PROXY", "ftp_proxy",
        "NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy",
    ];

    private static readonly string[] s_control =
        ["SOURCE_DATE_EPOCH", "BUILDKIT_SYNTAX", "BUILDKIT_INLINE_CACHE", "BUILDKIT_CONTEXT_KEEP_GIT_DIR", "BUILDKIT_MULTI_PLATFORM",
            "BUILDKIT_SANDBOX_HOSTNAME", "BUILDKIT_CACHE_MOUNT_NS", "BUILDKIT_BUILD_NAME", "BUILDKIT_DOCKERFILE_CHECK"];

    private readonly Lock _gate = new();
    private readonly HashSet<string> _consumed = [.. ProxyNames, .. s_control]; // Guarded by _gate.
    private readonly IReadOnlyDictionary<string, string?> _given;

    public BuildVariables(BuildRequest request, IReadOnlyList<ArgInstruction> globals, WordExpander expander, string targetStage)
    {
        _given = request.BuildArguments;
        Platform target = request.Platform ?? Platform.Host;
        AddPlatform("TARGET", target);
        AddPlatform("BUILD", Platform.Host);
        Globals["TARGETSTAGE"] = targetStage;
        foreach (ArgDeclaration declared in globals.SelectMany(arg => arg.Arguments))
        {
            string? value = Given(declared.Name)
                ?? (declared.Default is { } text ? expander.Expand(text, Globals.GetValueOrDefault)
                    : Globals.GetValueOrDefault(declared.Name));
            if (value is not null)
                Globals[declared.Name] = value;
        }
    }

    /// <summary>The arguments of the scope before the first FROM.</summary>
    public Dictionary<string, string> Globals { get; } = [];

    /// <summary>Names that were given and that nothing declared.</summary>
    public IReadOnlyList<string> NotConsumed
    {
        get
        {
            lock (_gate)
                return [.. _given.Keys.Where(name => !_consumed.Contains(name)).Order(StringComparer.Ordinal)];
        }
    }

    /// <summary>The proxies that were given.</summary>
    public IEnumerable<KeyValuePair<string, string>> Proxies => ProxyNames.Where(name => _given.GetValueOrDefault(name) is not null)
        .Select(name => KeyValuePair.Create(name, _given[name]!));

    /// <summary>The moment that SOURCE_DATE_EPOCH names; null when it was not given.</summary>
    public DateTimeOffset? Epoch => long.TryParse(_given.GetValueOrDefault("SOURCE_DATE_EPOCH"), out long seconds)
        && seconds is >= 0 and < 253_402_300_800 ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null;

    /// <summary>The value of an ARG in a stage; null when it has none.</summary>
    public string? Resolve(string name, string? expandedDefault) => Given(name) ?? expandedDefault ?? Globals.GetValueOrDefault(name);

    private string? Given(string name)
    {
        lock (_gate)
            _consumed.Add(name);
        return _given.GetValueOrDefault(name);
    }

    private void AddPlatform(string prefix, Platform platform)
    {
        Globals[prefix + "PLATFORM"] = platform.ToString();
        Globals[prefix + "OS"] = platform.Os;
        Globals[prefix + "ARCH"] = platform.Architecture;
        Globals[prefix + "VARIANT"] = platform.Variant ?? "";
    }
}
