using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Pages.Frame;

/// <summary>What each page tells the browser not to do.</summary>
internal static class PageHeaders
{
    /// <summary>Nothing but this hub's own style sheet, script and icon; forms only to this hub; in no other site's frame.</summary>
    public const string ContentSecurityPolicy =
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
        + "base-uri 'none'; frame-ancestors 'none'";

    /// <summary>Sets them on a page. Pages are made for one reader and are never kept by a shared cache.</summary>
    public static void Set(HttpResponse response)
    {
        IHeaderDictionary headers = response.Headers;
        headers.ContentSecurityPolicy = ContentSecurityPolicy;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";
        headers.CacheControl = "private, no-store";
        headers.Vary = "Cookie";
    }
}
