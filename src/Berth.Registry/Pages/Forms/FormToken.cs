using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Pages.Forms;

/// <summary>Proves that a form that changes something came from a page of this hub.</summary>
/// <remarks>
/// A browser gets a random secret in a cookie of its own that scripts cannot read; each form carries an HMAC with that secret over the
/// session's cookie. Another site can neither read the cookie nor guess the session, and a form made before signing in is worthless
/// after. Nothing is kept on the server, so any process of a hub can check what another sent. Beside it stand <c>SameSite</c>
/// cookies and the browser's own statement of origin (<see cref="IsFromHere"/>).
/// </remarks>
internal static class FormToken
{
    /// <summary>The name of the hidden field.</summary>
    public const string Field = "form-token";

    private const string CookieName = "berth-forms";
    private const int SecretBytes = 32;
    private static readonly TimeSpan s_lifetime = TimeSpan.FromDays(30);

    /// <summary>The token for the forms of an answer; gives the browser its secret when it has none.</summary>
    public static string Issue(HttpContext context, string session)
    {
        byte[]? secret = ReadSecret(context);
        if (secret is null)
        {
            secret = RandomNumberGenerator.GetBytes(SecretBytes);
            string value = Base64Url.EncodeToString(secret);
            context.Response.Cookies.Append(CookieName, value, new CookieOptions
            {
                HttpOnly = true,
                SameSite = SameSiteMode.Strict,
                Secure = context.Request.IsHttps,
                Path = "/",
                MaxAge = s_lifetime,
                IsEssential = true,
            });
            // A second form of the same answer must not start another secret.
            context.Items[CookieName] = value;
        }
        return Base64Url.EncodeToString(Mac(secret, session));
    }

    /// <summary>True when the token fits the browser's secret and its session.</summary>
    public static bool IsValid(HttpContext context, string session, string? token)
    {
        if (token is null || ReadSecret(context) is not { } secret)
            return false;
        byte[] expected = Encoding.ASCII.GetBytes(Base64Url.EncodeToString(Mac(secret, session)));
        return CryptographicOperations.FixedTimeEquals(expected, Encoding.UTF8.GetBytes(token));
    }

    /// <summary>False when the browser itself says that another site made the request.</summary>
    public static bool IsFromHere(HttpRequest request)
    {
        string site = request.Headers["Sec-Fetch-Site"].ToString();
        if (site.Length > 0 && site is not ("same-origin" or "none"))
            return false;
        string origin = request.Headers.Origin.ToString();
        // A proxy may end TLS before us, so the scheme is not compared.
        return origin.Length == 0
            || (Uri.TryCreate(origin, UriKind.Absolute, out Uri? uri)
                && string.Equals(uri.Authority, Authority(request, uri), StringComparison.OrdinalIgnoreCase));
    }

    private static string Authority(HttpRequest request, Uri origin)
    {
        HostString host = request.Host;
        return host.Port is { } port && origin.IsDefaultPort && (port is 80 or 443) ? host.Host : host.Value ?? "";
    }

    private static byte[] Mac(byte[] secret, string session) => HMACSHA256.HashData(secret, Encoding.UTF8.GetBytes("form\n" + session));

    private static byte[]? ReadSecret(HttpContext context)
    {
        string? value = context.Items[CookieName] as string ?? context.Request.Cookies[CookieName];
        if (value is null || value.Length > SecretBytes * 2)
            return null;
        byte[] secret = new byte[SecretBytes];
        return Base64Url.IsValid(value, out int length) && length == SecretBytes
            && Base64Url.TryDecodeFromChars(value, secret, out int written) && written == SecretBytes ? secret : null;
    }
}
