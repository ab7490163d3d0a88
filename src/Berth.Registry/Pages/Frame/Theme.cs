using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Pages.Frame;

/// <summary>Light or dark, as the reader chose; without a choice the system's setting holds.</summary>
internal static class Theme
{
    private const string CookieName = "berth-theme";
    private static readonly TimeSpan s_lifetime = TimeSpan.FromDays(365);

    /// <summary><c>light</c>, <c>dark</c>, or null without a choice.</summary>
    public static string? Of(HttpRequest request) => request.Cookies[CookieName] is "light" or "dark" ? request.Cookies[CookieName] : null;

    /// <summary>Remembers the choice in this browser. The script may read it: it holds nothing else.</summary>
    public static void Choose(HttpResponse response, string theme) => response.Cookies.Append(CookieName, theme, new CookieOptions
    {
        SameSite = SameSiteMode.Lax,
        Path = "/",
        MaxAge = s_lifetime,
        IsEssential = true,
    });
}
