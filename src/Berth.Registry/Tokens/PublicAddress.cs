using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Tokens;

/// <summary>Where clients reach this hub.</summary>
/// <param name="configured">As the operator says; null: as the client did, with what trusted proxies add.</param>
public sealed class PublicAddress(Uri? configured)
{
    private readonly string? _configured = configured?.GetLeftPart(UriPartial.Authority);

    /// <summary>Scheme, host and port, without a slash at the end.</summary>
    public string Of(HttpContext context) => _configured ?? $"{context.Request.Scheme}://{HostOf(context.Request)}";

    // A host that has a quote or a space in it would end the challenge's string.
    private static string HostOf(HttpRequest request)
    {
        string host = request.Host.Value ?? "";
        bool isHost = host.Length > 0 && !host.AsSpan().ContainsAnyExcept(s_hostCharacters);
        return isHost ? host : $"{request.HttpContext.Connection.LocalIpAddress}:{request.HttpContext.Connection.LocalPort}";
    }

    private static readonly System.Buffers.SearchValues<char> s_hostCharacters =
        System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]");
}
