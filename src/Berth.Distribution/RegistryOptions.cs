using System.Net;

namespace Berth.Distribution;

/// <summary>How registries are spoken to. Validated once, at start.</summary>
public sealed record RegistryOptions
{
    /// <summary>Mirrors of Docker Hub as URLs, tried in order before it: <c>registry-mirrors</c>. They never get Hub's
    /// credentials.</summary>
    public IReadOnlyList<string> Mirrors { get; init; } = [];

    /// <summary>Hosts (<c>host[:port]</c>) and networks (CIDR) that may show any certificate or speak plain HTTP:
    /// <c>insecure-registries</c>. Loopback always may.</summary>
    public IReadOnlyList<string> InsecureRegistries { get; init; } = [];

    /// <summary>What to do about a registry that answers without TLS, in the words of the program that asks: <c>{0}</c> is the
    /// registry.</summary>
    public string InsecureAdvice { get; init; } =
        "add \"{0}\" to insecure-registries in daemon.json if it may be spoken to without encryption";

    /// <summary>What requests call us.</summary>
    public string UserAgent { get; init; } = "berth/0.1.0";

    /// <summary>Blobs downloaded at the same time by all pulls together.</summary>
    public int ConcurrentDownloads { get; init; } = 3;

    /// <summary>Blobs uploaded at the same time by all pushes together.</summary>
    public int ConcurrentUploads { get; init; } = 5;

    /// <summary>Attempts for each blob or document before its transfer fails.</summary>
    public int Attempts { get; init; } = 5;

    /// <summary>The wait before the second attempt; it doubles with each further one, up to <see cref="RetryDelayMax"/>.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest wait between two attempts, also when the registry asks for more.</summary>
    public TimeSpan RetryDelayMax { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a connection may take to be made, TLS included.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long an answer may take to begin, and how long a body may stand still.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Where certificates for single registries are, in <c>&lt;host[:port]&gt;/</c>: <c>*.crt</c> authorities,
    /// <c>*.cert</c> with <c>*.key</c> client certificates. Null for nowhere.</summary>
    public string? CertificateDirectory { get; init; } = "/etc/docker/certs.d";

    /// <summary>True to fetch layers from the URLs that their descriptors give when the registry does not have them.</summary>
    public bool AllowForeignLayers { get; init; }

    /// <summary>The most bytes that one layer may unpack from; more is taken for a decompression bomb.</summary>
    public long UncompressedLayerBytesMax { get; init; } = 256L * 1024 * 1024 * 1024;

    /// <summary>Everything that is wrong with these options; empty when nothing is.</summary>
    public IReadOnlyList<string> Validate()
    {
        List<string> problems = [];
        foreach (string mirror in Mirrors)
        {
            if (!Uri.TryCreate(mirror, UriKind.Absolute, out Uri? uri) || uri.Scheme is not ("http" or "https"))
                problems.Add($"invalid mirror: {mirror} is not an http or https URL");
            else if (uri.UserInfo.Length > 0 || uri.Query.Length > 0 || uri.Fragment.Length > 0)
                problems.Add($"invalid mirror: {uri.Host}: user info, query and fragment are not allowed");
        }
        foreach (string entry in InsecureRegistries)
        {
            bool isNetwork = entry.Contains('/', StringComparison.Ordinal);
            if (entry.Contains("://", StringComparison.Ordinal))
                problems.Add($"insecure registry {entry} should not contain '://'");
            else if (isNetwork ? !IPNetwork.TryParse(entry, out _) : entry.Length == 0 || entry.Any(char.IsWhiteSpace))
                problems.Add($"insecure registry {entry} is not host[:port] or a network");
        }
        AddIf(problems, ConcurrentDownloads < 1, "max concurrent downloads must be at least 1");
        AddIf(problems, ConcurrentUploads < 1, "max concurrent uploads must be at least 1");
        AddIf(problems, Attempts < 1, "max download attempts must be at least 1");
        return problems;
    }

    private static void AddIf(List<string> problems, bool wrong, string problem)
    {
        if (wrong)
            problems.Add(problem);
    }
}
