using Berth.Daemon.Endpoints.Daemon;
using Berth.Daemon.Http;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Endpoints;

/// <summary>Endpoints of the API that are understood and refused, so that clients print a sentence and not "page not found".</summary>
internal static class NotOffered
{
    /// <summary>Swarm (503), plugins (501 beside an empty list) and checkpoints (501).</summary>
    public static IReadOnlyList<ApiEndpoint> All { get; } =
    [
        .. new[] { "swarm", "nodes", "services", "tasks", "secrets", "configs" }.SelectMany(Swarm),
        new("PUT", "/volumes/{name}", NotASwarm.HandleAsync),
        new("GET", "/plugins", call => call.WriteRawJsonAsync("[]\n"u8.ToArray())),
        .. Refused("/plugins/{name*}", "plugins are not supported by this engine", "GET", "POST", "DELETE"),
        .. Refused("/containers/{id}/checkpoints", "checkpoints are not supported by this engine", "GET", "POST"),
        .. Refused("/containers/{id}/checkpoints/{checkpoint}", "checkpoints are not supported by this engine", "DELETE"),
    ];

    private static IEnumerable<ApiEndpoint> Swarm(string what) =>
        from method in new[] { HttpMethods.Get, HttpMethods.Post, HttpMethods.Delete }
        from pattern in new[] { $"/{what}", $"/{what}/{{rest*}}" }
        select new ApiEndpoint(method, pattern, NotASwarm.HandleAsync);

    private static IEnumerable<ApiEndpoint> Refused(string pattern, string message, params string[] methods) =>
        methods.Select(method => new ApiEndpoint(
            method, pattern, _ => throw new FaultException(FaultKind.NotSupported, message)));
}
