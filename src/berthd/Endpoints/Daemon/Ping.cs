using Berth.Daemon.Http;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Endpoints.Daemon;

/// <summary>200 OK, and in its headers what this daemon can do.</summary>
internal static class Ping
{
    public static Task HandleAsync(ApiCall call)
    {
        IHeaderDictionary headers = call.Http.Response.Headers;
        headers.CacheControl = "no-cache, no-store, must-revalidate";
        headers.Pragma = "no-cache";
        // Clients that have both builders take BuildKit's when this is 2.
        headers["Builder-Version"] = call.Services.PrefersBuildKit ? "2" : "1";
        headers["Swarm"] = "inactive";
        headers.ContentType = "text/plain; charset=utf-8";
        headers.ContentLength = 2;
        return call.Http.Request.Method == HttpMethods.Head
            ? Task.CompletedTask
            : call.Http.Response.Body.WriteAsync("OK"u8.ToArray(), call.Cancelled).AsTask();
    }
}
