using System.Collections.Concurrent;

namespace Berth.Distribution;

/// <summary>What all conversations with registries share.</summary>
internal sealed class RegistryContext(RegistryOptions options, TimeProvider time) : IDisposable
{
    public RegistryOptions Options => options;

    public TimeProvider Time => time;

    public HttpTransport Transport { get; } = new(options);

    public HostPolicy Policy { get; } = new(options.InsecureRegistries);

    public TokenCache Tokens { get; } = new(time);

    /// <summary>Whether a host that may speak HTTP does so, found once.</summary>
    public ConcurrentDictionary<string, Uri> KnownBases { get; } = new(StringComparer.OrdinalIgnoreCase);

    public void Dispose() => Transport.Dispose();
}

/// <summary>One place where a repository's content can be had.</summary>
/// <param name="Base">Its address up to <c>/v2/</c>, ending in a slash.</param>
/// <param name="IsMirror">True for a mirror, which gets no credentials.</param>
/// <param name="IsSchemeFixed">True when the configuration says http or https.</param>
internal sealed record RegistryEndpoint(Uri Base, bool IsMirror, bool IsSchemeFixed)
{
    private const string HubHost = "registry-1.docker.io";

    /// <summary>The registry itself.</summary>
    public static RegistryEndpoint Of(string domain) =>
        new(new Uri($"https://{(domain == Oci.References.ImageReference.DefaultDomain ? HubHost : domain)}/"), false, false);

    /// <summary>Where to pull from, in order.</summary>
    public static IEnumerable<RegistryEndpoint> ForPull(string domain, RegistryOptions options)
    {
        if (domain == Oci.References.ImageReference.DefaultDomain)
        {
            foreach (string mirror in options.Mirrors)
                yield return new RegistryEndpoint(new Uri(mirror.TrimEnd('/') + "/"), IsMirror: true, IsSchemeFixed: true);
        }
        yield return Of(domain);
    }
}
