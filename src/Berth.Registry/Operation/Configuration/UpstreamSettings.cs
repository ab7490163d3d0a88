using Berth.Registry.Cache;
using Berth.Registry.Model;

namespace Berth.Registry.Operation.Configuration;

/// <summary>
/// One upstream registry of the configuration, as a flag says it: <c>prefix=docker.io,url=https://registry-1.docker.io</c>; an object
/// of the file has the same keys.
/// </summary>
internal sealed class UpstreamSettings
{
    // A switch, which may stand without a value in a flag.
    private const string MembersOnly = "members-only";

    private static readonly string[] s_keys = ["prefix", "url", "user", "password-file", "token-url", MembersOnly, "tag-time"];

    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);
    private readonly ICollection<string> _errors;

    private UpstreamSettings(ICollection<string> errors) => _errors = errors;

    /// <summary>The upstreams; what is wrong with them is added to <paramref name="errors"/>.</summary>
    public static IReadOnlyList<UpstreamOptions> Read(IReadOnlyList<string> texts, ICollection<string> errors)
    {
        var upstreams = new List<UpstreamOptions>();
        foreach (string text in texts)
        {
            var settings = new UpstreamSettings(errors);
            if (settings.Split(text) && settings.Build() is { } upstream)
                upstreams.Add(upstream);
        }
        foreach ((string prefix, int count) in upstreams.CountBy(upstream => upstream.Prefix).Where(prefix => prefix.Value > 1))
            errors.Add($"{HubSettings.Upstreams.Key}: {prefix}: the prefix is that of {count} upstreams");
        return upstreams;
    }

    private bool Split(string text)
    {
        int before = _errors.Count;
        foreach (string part in text.Split(','))
        {
            (string key, string value) = part.IndexOf('=') is >= 0 and int equals ? (part[..equals], part[(equals + 1)..]) : (part, "");
            if (!s_keys.Contains(key))
                Wrong(key, $"there is no such key: {string.Join(", ", s_keys)} are known");
            else if (!_values.TryAdd(key, key == MembersOnly && part == key ? "true" : value))
                Wrong(key, "it is given twice");
            else if (_values[key].Length == 0)
                Wrong(key, "it is empty");
        }
        return _errors.Count == before;
    }

    private UpstreamOptions? Build()
    {
        int before = _errors.Count;
        string prefix = _values.GetValueOrDefault("prefix", "");
        if (!RepositoryName.TryParse(prefix, out _))
            Wrong("prefix", "the beginning of a repository's name is expected, as in docker.io");
        Uri? address = Url("url");
        if (address is null && !_values.ContainsKey("url"))
            Wrong("url", "it is needed, as in https://registry-1.docker.io");
        if (address is not null and not { AbsolutePath: "/" })
            Wrong("url", "a registry has no path");
        Uri? tokens = Url("token-url");
        string? password = Password();
        if (password is not null && new[] { address, tokens }.Any(url => url is { Scheme: "http", IsLoopback: false }))
            Wrong("password-file", "a password is sent over https only");
        TimeSpan tagTime = TagTime();
        bool isMembersOnly = _values.GetValueOrDefault(MembersOnly, "false") == "true";
        if (!isMembersOnly && _values.GetValueOrDefault(MembersOnly, "false") != "false")
            Wrong(MembersOnly, "true or false is expected");
        return _errors.Count > before ? null : new UpstreamOptions
        {
            Prefix = prefix, Address = address!, UserName = _values.GetValueOrDefault("user"), Password = password, TokenAddress = tokens,
            IsPublic = !isMembersOnly, TagTime = tagTime,
        };
    }

    private Uri? Url(string key)
    {
        if (!_values.TryGetValue(key, out string? text))
            return null;
        if (Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && url.Scheme is "http" or "https"
            && url is { UserInfo: "", Query: "", Fragment: "" })
            return url;
        Wrong(key, $"{text}: not an address, as in https://registry.example.org");
        return null;
    }

    private string? Password()
    {
        if (_values.ContainsKey("user") != _values.TryGetValue("password-file", out string? file))
            Wrong("user and password-file", "both are needed, or none");
        if (file is null)
            return null;
        try
        {
            return File.ReadAllText(file).Trim();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            Wrong("password-file", $"{file}: {failure.Message}");
            return null;
        }
    }

    private TimeSpan TagTime()
    {
        if (!_values.TryGetValue("tag-time", out string? text))
            return UpstreamOptions.DefaultTagTime;
        if (!DurationText.TryParse(text, out TimeSpan time))
            Wrong("tag-time", $"{text}: not a time, as in 5m");
        return time;
    }

    // Which one it is, its prefix says; the first mistake may be that it has none.
    private void Wrong(string key, string problem) =>
        _errors.Add($"{HubSettings.Upstreams.Key}: {_values.GetValueOrDefault("prefix", "?")}: {key}: {problem}");
}
