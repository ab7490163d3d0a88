using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Endpoints.Builds;

/// <summary>What a client wants to speak on its connection from here on.</summary>
internal static class UpgradeHeader
{
    /// <summary>HTTP/2 without TLS of its own.</summary>
    public const string CleartextHttp2 = "h2c";

    /// <summary>Refuses anything else.</summary>
    /// <exception cref="FaultException">InvalidArgument: nothing or something else is asked for, with Docker's text for the former.
    /// </exception>
    public static void RequireHttp2(IHeaderDictionary headers)
    {
        if (headers.Upgrade.ToString() is not CleartextHttp2 and var other)
            throw FaultException.Invalid(
                other.Length == 0 ? "no upgrade proto in request" : $"upgrade to {other} is not supported: use h2c");
    }
}
