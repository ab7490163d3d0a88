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
                Mode = GoMode(stat.Mode),
                Mtime = stat.ModifiedAt,
                LinkTarget = stat.LinkTarget,
            },
            Wire.ApiJson.Wire.PathStat);
        response.Headers["X-Docker-Container-Path-Stat"] = Convert.ToBase64String(json);
    }

    /// <summary>Go's <c>os.FileMode</c> of a kernel's <c>st_mode</c>: clients take the type of a file from it.</summary>
    internal static uint GoMode(uint mode)
    {
        uint type = (mode & 0xF000) switch
        {
            0x4000 => 1u << 31,                 // S_IFDIR
            0xA000 => 1u << 27,                 // S_IFLNK
            0x6000 => 1u << 26,                 // S_IFBLK
            0x2000 => (1u << 26) | (1u << 21),  // S_IFCHR
            0x1000 => 1u << 25,                 // S_IFIFO
            0xC000 => 1u << 24,                 // S_IFSOCK
            _ => 0,
        };
        uint special = ((mode & 0x800) << 12) | ((mode & 0x400) << 12) | ((mode & 0x200) << 11);
        return type | special | (mode & 0x1FF);
    }
}
