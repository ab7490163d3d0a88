namespace Berth.Client;

/// <summary>What a client has to know before it connects.</summary>
public sealed record EngineOptions
{
    /// <summary>Where the engine listens.</summary>
    public required EngineAddress Address { get; init; }

    /// <summary>TLS for TCP; null means plain.</summary>
    public TlsFiles? Tls { get; init; }

    /// <summary>A fixed API version (<c>DOCKER_API_VERSION</c>); null negotiates.</summary>
    public string? ApiVersion { get; init; }

    /// <summary>Headers added to each request (<c>HttpHeaders</c> of the configuration file).</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>Told of each request when its answer's head is there: method, path, status and time. No bodies, no headers.</summary>
    public Action<string>? Trace { get; init; }

    /// <summary>The <c>User-Agent</c> header.</summary>
    public string UserAgent { get; init; } = "Berth-Client/0.1.0 (linux)";
}

/// <summary>The PEM files of a TLS connection to an engine.</summary>
/// <param name="CaPath">Only certificates signed by this authority are trusted; null trusts the system's.</param>
/// <param name="CertificatePath">The client's certificate, if the engine asks for one.</param>
/// <param name="KeyPath">The key of <paramref name="CertificatePath"/>.</param>
/// <param name="Verify">False accepts any server certificate.</param>
public sealed record TlsFiles(string? CaPath, string? CertificatePath, string? KeyPath, bool Verify);
