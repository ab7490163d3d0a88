using System.Text.Json;
using Berth.Daemon.Http;
using Berth.Engine;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Endpoints.Containers;

/// <summary>What the three archive endpoints have in common.</summary>
internal static class ArchivePath
{
    /// <summary>The path in the query.</summary>
    /// <exception cref="FaultException">InvalidArgument: there is none.</exception>
    public static string Require(QueryValues query) =>
        query.TextOrNull("path") ?? throw FaultException.Invalid("missing required parameter: path");

    /// <summary>Tells in a header what the path is: base64 of JSON, the mode in Go's bits.</summary>
    public static void WriteStat(HttpResponse response, PathStat stat)
    {
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(
            new Wire.PathStat
            {
                Name = stat.Name,
                Size = stat.Size,
                Mode = stat.Mode,
                Mtime = stat.ModifiedAt,
                LinkTarget = stat.LinkTarget,
            },
            Wire.ApiJson.Wire.PathStat);
        response.Headers["X-Docker-Container-Path-Stat"] = Convert.ToBase64String(json);
    }
}
