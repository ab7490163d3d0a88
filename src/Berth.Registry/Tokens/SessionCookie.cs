using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Tokens;

/// <summary>The browser's session: a cookie that scripts cannot read and other sites cannot use.</summary>
public static class SessionCookie
{
    private const string PlainName = "berth_session";

    // With this prefix browsers take the cookie only over TLS, for this host alone.
    private const string SecureName = "__Host-berth_session";

    /// <summary>Gives the browser its session.</summary>
    public static void Set(HttpContext context, string secret) => context.Response.Cookies.Append(
        NameFor(context), secret, OptionsFor(context, SecretStore.SessionLifetime));

    /// <summary>Takes it away.</summary>
    public static void Clear(HttpContext context) => context.Response.Cookies.Delete(NameFor(context), OptionsFor(context, null));

    /// <summary>The session's secret; null when the request has none, or when another site made the browser send it.</summary>
    /// <remarks>SameSite alone does not suffice: other ports and subdomains are the same site. So a request that changes something must
    /// come from a page of this very origin, by <c>Sec-Fetch-Site</c> or by <c>Origin</c>, which every browser of today sends.</remarks>
    public static string? Read(HttpContext context)
    {
        if (context.Request.Cookies[NameFor(context)] is not { Length: > 0 } secret)
            return null;
        bool isSafe = HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method);
        return isSafe || IsFromOwnPage(context.Request) ? secret : null;
    }

    private static bool IsFromOwnPage(HttpRequest request)
    {
        string site = request.Headers["Sec-Fetch-Site"].ToString();
        if (site.Length > 0)
            return site == "same-origin";
        return request.Headers.Origin.ToString() == $"{request.Scheme}://{request.Host.Value}";
    }

    private static string NameFor(HttpContext context) => context.Request.IsHttps ? SecureName : PlainName;

    private static CookieOptions OptionsFor(HttpContext context, TimeSpan? age) => new()
    {
        HttpOnly = true,
        Secure = context.Request.IsHttps,
        SameSite = SameSiteMode.Lax,
        Path = "/",
        MaxAge = age,
        IsEssential = true,
    };
}
