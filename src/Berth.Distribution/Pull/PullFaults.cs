using Berth.Faults;
using Berth.Oci.References;

namespace Berth.Distribution;

/// <summary>Words a refusal as Docker does for the image that was asked for.</summary>
internal static class PullFaults
{
    public static FaultException Explain(RegistryException exception, ImageReference reference) => exception.Code switch
    {
        "DENIED" => FaultException.NotFound(
            $"pull access denied for {reference.FamiliarName}, repository does not exist or "
            + $"may require 'docker login': {exception.Message}",
            exception),
        "MANIFEST_UNKNOWN" => FaultException.NotFound($"manifest for {reference.Familiar} not found: {exception.Message}", exception),
        "NAME_UNKNOWN" => FaultException.NotFound($"repository {reference.FamiliarName} not found: {exception.Message}", exception),
        null when exception is { Kind: FaultKind.NotFound }
            && exception.Message.StartsWith("received unexpected", StringComparison.Ordinal) =>
            FaultException.NotFound($"manifest for {reference.Familiar} not found: manifest unknown: manifest unknown", exception),
        _ => exception.ToFault(),
    };
}

/// <summary>Reads the addresses by which users and clients name registries.</summary>
internal static class RegistryHost
{
    /// <summary>The reference domain of a <c>serveraddress</c>; empty and <c>https://index.docker.io/v1/</c> mean Docker Hub.</summary>
    /// <exception cref="RegistryException">InvalidArgument: not a host.</exception>
    public static string FromServerAddress(string address)
    {
        string host = address;
        int scheme = host.IndexOf("://", StringComparison.Ordinal);
        if (scheme >= 0)
            host = host[(scheme + 3)..];
        int slash = host.IndexOf('/', StringComparison.Ordinal);
        if (slash >= 0)
            host = host[..slash];
        if (host is "" or "docker.io" or "index.docker.io" or "registry-1.docker.io")
            return ImageReference.DefaultDomain;
        string domain = host.Contains('.', StringComparison.Ordinal) || host.Contains(':', StringComparison.Ordinal) ? host : host + ":443";
        if (host == "localhost")
            domain = host;
        return ImageReference.TryParse(domain + "/x", out ImageReference? parsed, out _) && parsed.Domain == domain
            ? host : throw new RegistryException(FaultKind.InvalidArgument, $"invalid registry address: {RegistryErrors.Clip(address)}");
    }
}
