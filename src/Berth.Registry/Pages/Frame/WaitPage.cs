using System.Globalization;
using System.Text;
using Berth.Registry.Pages.Assets;
using Berth.Registry.Pages.Html;
using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Pages.Frame;

/// <summary>What a browser is shown in the place of a page while the hub answers nothing: a limit was met, the database is away.</summary>
/// <remarks>It is made without asking who reads it: that may be what cannot be answered.</remarks>
public static class WaitPage
{
    /// <summary>True for a browser at one of the pages; programs, and whoever asks the protocol or the API, get JSON.</summary>
    public static bool IsFor(HttpRequest request) =>
        request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase)
            && !request.Path.StartsWithSegments("/v2") && !request.Path.StartsWithSegments("/api")
            && !request.Path.StartsWithSegments("/auth/token") && request.Path != "/metrics";

    /// <summary>Answers with the page; the status and <c>Retry-After</c> stand already.</summary>
    /// <param name="context">The request.</param>
    /// <param name="reason">Why, as a fault says it.</param>
    public static async Task SendAsync(HttpContext context, string reason)
    {
        HttpResponse response = context.Response;
        bool isLimit = response.StatusCode == StatusCodes.Status429TooManyRequests;
        string title = isLimit ? "Too many requests" : "Try again in a moment";
        string asked = context.Request.Path.ToUriComponent() + context.Request.QueryString.ToUriComponent();
        string address = HttpMethods.IsGet(context.Request.Method) && Links.IsLocal(asked) ? asked : Links.Start;
        string wait = WaitOf(response.Headers.RetryAfter.ToString());
        string? theme = Theme.Of(context.Request);
        byte[] body = Encoding.UTF8.GetBytes(Markup.Of($"""
            <!doctype html>
            <html lang="en"{Markup.When(theme is not null, $" data-theme=\"{theme}\"")}>
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>{title} · {PageFrame.HubName}</title>
            <meta name="color-scheme" content="light dark">
            <link rel="icon" type="image/svg+xml" href="{AssetFiles.Address("icon.svg")}">
            <link rel="stylesheet" href="{AssetFiles.Address("hub.css")}">
            </head>
            <body><main>
            <div class="card empty"><h1>{title}</h1><p>{Sentence(reason)}</p>
            {Markup.When(wait.Length > 0, $"<p>This page can be asked for again <b>in {wait}</b>.</p>")}
            <p><a class="button" href="{address}">Try again</a></p></div>
            </main></body>
            </html>
            """).ToString());
        PageHeaders.Set(response);
        response.ContentType = "text/html; charset=utf-8";
        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
            await response.Body.WriteAsync(body, context.RequestAborted).ConfigureAwait(false);
    }

    private static string Sentence(string reason) => char.ToUpperInvariant(reason[0]) + reason[1..] + (reason[^1] == '.' ? "" : ".");

    // In a unit that one can wait by, and never less than what is to be waited.
    private static string WaitOf(string retryAfter) =>
        !long.TryParse(retryAfter, NumberStyles.None, CultureInfo.InvariantCulture, out long seconds) ? "" : seconds switch
        {
            < 120 => Figures.Counted(Math.Max(1, seconds), "second"),
            < 7_200 => Figures.Counted((seconds + 59) / 60, "minute"),
            _ => Figures.Counted((seconds + 3_599) / 3_600, "hour"),
        };
}
