using System.Text;

namespace Berth.Client;

/// <summary>One request to the engine; the API version is put before the path when it is sent.</summary>
public sealed record EngineRequest(string Method, string Path)
{
    private readonly List<KeyValuePair<string, string>> _query = [];
    private readonly List<KeyValuePair<string, string>> _headers = [];

    /// <summary>A body in memory (JSON).</summary>
    public ReadOnlyMemory<byte>? Json { get; init; }

    /// <summary>A body of unknown length, sent in chunks as it is read.</summary>
    public Func<Stream, CancellationToken, Task>? Body { get; init; }

    /// <summary>The type of <see cref="Body"/>.</summary>
    public string BodyType { get; init; } = "application/x-tar";

    /// <summary>Extra headers.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers => _headers;

    /// <summary>True leaves the version out of the path (<c>/_ping</c>).</summary>
    public bool IsUnversioned { get; init; }

    /// <summary>True when the caller has other work while the answer is awaited: its task then never waits in the calling thread.</summary>
    public bool RunsBesideOthers { get; init; }

    /// <summary>Path and query, escaped, as they stand in the request line after the version.</summary>
    public string Target
    {
        get
        {
            if (_query.Count == 0)
                return Path;
            StringBuilder target = new(Path);
            char separator = '?';
            foreach ((string name, string value) in _query)
            {
                target.Append(separator).Append(Uri.EscapeDataString(name)).Append('=').Append(Uri.EscapeDataString(value));
                separator = '&';
            }
            return target.ToString();
        }
    }

    /// <summary>A GET of a path.</summary>
    public static EngineRequest Get(string path) => new("GET", path);

    /// <summary>A POST to a path.</summary>
    public static EngineRequest Post(string path) => new("POST", path);

    /// <summary>A DELETE of a path.</summary>
    public static EngineRequest Delete(string path) => new("DELETE", path);

    /// <summary>One object's name as a part of a path: everything is escaped but the slashes of image names.</summary>
    public static string Escape(string name) => Uri.EscapeDataString(name).Replace("%2F", "/", StringComparison.Ordinal)
        .Replace("%3A", ":", StringComparison.Ordinal).Replace("%40", "@", StringComparison.Ordinal);

    /// <summary>Adds a parameter.</summary>
    public EngineRequest Query(string name, string value)
    {
        _query.Add(new(name, value));
        return this;
    }

    /// <summary>Adds a parameter unless its value is empty.</summary>
    public EngineRequest QueryUnlessEmpty(string name, string? value) => string.IsNullOrEmpty(value) ? this : Query(name, value);

    /// <summary>Adds <c>name=1</c> if a condition holds.</summary>
    public EngineRequest QueryIf(string name, bool condition) => condition ? Query(name, "1") : this;

    /// <summary>Adds a header.</summary>
    public EngineRequest Header(string name, string value)
    {
        if (value.AsSpan().ContainsAny('\r', '\n'))
            throw new ArgumentException("a header is one line", nameof(value));
        _headers.Add(new(name, value));
        return this;
    }
}
