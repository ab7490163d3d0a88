using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Berth.Api;
using Berth.Cli.Building;
using Berth.Cli.Configuration;
using Berth.Cli.Parsing;
using Berth.Cli.Running;
using Berth.Cli.Text;
using Berth.Client;
using Berth.Oci.References;

namespace Berth.Cli.Commands;

/// <summary><c>build</c>: sends a context and shows what the engine makes of it.</summary>
internal static class BuildCommand
{
    public static async Task<int> RunAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        foreach (string tag in parsed.List("tag"))
            ImageReference.Parse(tag);
        BuildContext context = await BuildContext.OpenAsync(session, parsed.Arguments[0], parsed.String("file"), cancellationToken);
        EngineRequest request = Request(session, parsed, context);
        request = request with
        {
            Body = async (output, token) =>
            {
                if (!parsed.Bool("compress"))
                {
                    await context.WriteAsync(output, token);
                    return;
                }
                await using GZipStream gzip = new(output, CompressionLevel.Fastest, leaveOpen: true);
                await context.WriteAsync(gzip, token);
            },
        };
        request.Header("X-Registry-Config", await RegistryAccounts.AllHeaderAsync(session, cancellationToken));
        string imageId = "";
        using MemoryStream ignored = new();
        string style = parsed.String("progress");
        if (style is not ("auto" or "plain" or "quiet"))
            throw new CommandException($"invalid progress mode \"{style}\": must be one of \"auto\", \"plain\" or \"quiet\"");
        bool quiet = parsed.Bool("quiet") || style == "quiet";
        Progress progress = new(
            quiet ? ignored : session.Console.Output, !quiet && session.Console.OutputIsTerminal && style == "auto",
            session.Console.Size()?.Columns ?? 200)
        {
            Auxiliary = aux => imageId = aux.Text("ID") is { Length: > 0 } id ? id : imageId,
        };
        if (parsed.String("iidfile") is { Length: > 0 } old)
            File.Delete(old);
        try
        {
            using EngineResponse response = await session.Engine.SendAsync(request, cancellationToken);
            await progress.ShowAsync(response, cancellationToken);
        }
        catch (CommandException) when (quiet)
        {
            // What led to the failure is what the user needs now.
            session.Warn(Encoding.UTF8.GetString(ignored.ToArray()).TrimEnd());
            throw;
        }
        // A quiet answer is the ID as its only text, as Docker's.
        if (quiet && imageId.Length == 0)
            imageId = Encoding.UTF8.GetString(ignored.ToArray()).Trim();
        if (quiet)
            session.PrintLine(imageId);
        if (parsed.String("iidfile") is { Length: > 0 } file)
        {
            if (imageId.Length == 0)
                throw new CommandException("server did not provide an image ID. Cannot write " + file);
            await File.WriteAllTextAsync(file, imageId, cancellationToken);
        }
        return 0;
    }

    private static EngineRequest Request(Session session, ParsedCommand parsed, BuildContext context)
    {
        EngineRequest request = EngineRequest.Post("/build");
        foreach (string tag in parsed.List("tag"))
            request.Query("t", tag);
        Dictionary<string, string?> arguments = [];
        foreach ((string name, string value) in session.Config.Proxies(session.Engine.Address.Text))
            arguments[name] = value;
        foreach (string argument in parsed.List("build-arg"))
        {
            // A name alone takes its value from here; if there is none, the Dockerfile's default stays.
            (string key, string value) = KeyValues.Split(argument);
            arguments[key] = argument.Contains('=') ? value : session.Environment.GetValueOrDefault(key);
        }
        request.QueryUnlessEmpty("remote", context.Remote).QueryUnlessEmpty("dockerfile", context.DockerfileName)
            .QueryIf("q", parsed.Bool("quiet") || parsed.String("progress") == "quiet").QueryIf(
                "nocache", parsed.Bool("no-cache")).QueryIf("pull", parsed.Bool("pull"))
            .Query("rm", parsed.Bool("rm") ? "1" : "0").QueryIf("forcerm", parsed.Bool("force-rm"))
            .QueryIf("squash", parsed.Bool("squash")).QueryUnlessEmpty("networkmode", parsed.String("network"))
            .QueryUnlessEmpty("target", parsed.String("target")).QueryUnlessEmpty("cgroupparent", parsed.String("cgroup-parent"))
            .QueryUnlessEmpty("cpusetcpus", parsed.String("cpuset-cpus")).QueryUnlessEmpty("cpusetmems", parsed.String("cpuset-mems"))
            .QueryUnlessEmpty("isolation", parsed.String("isolation"))
            .QueryUnlessEmpty("platform", parsed.String("platform") is { Length: > 0 } p ? p.ToLowerInvariant()
                : session.Variable("DOCKER_DEFAULT_PLATFORM"))
            .Query("buildargs", JsonSerializer.Serialize(arguments, ApiJson.Wire.StringMap))
            .Query("labels", JsonSerializer.Serialize(
                KeyValues.Labels(parsed.List("label"), []).ToDictionary(
                    static l => l.Key, static l => (string?)l.Value), ApiJson.Wire.StringMap))
            .Query("cachefrom", JsonSerializer.Serialize(parsed.List("cache-from"), ApiJson.Wire.StringList))
            .Query("ulimits", JsonSerializer.Serialize(
                parsed.List("ulimit").Select(ResourceOptions.Ulimit).ToList(), ApiJson.Wire.UlimitList))
            .Query("version", "1");
        foreach ((string name, long value) in ((string, long)[])
            [("cpuperiod", parsed.Int("cpu-period")), ("cpuquota", parsed.Int("cpu-quota")), ("cpushares", parsed.Int("cpu-shares")),
                ("memory", parsed.Bytes("memory")), ("shmsize", parsed.Bytes("shm-size")),
                ("memswap", parsed.String("memory-swap") == "-1" ? -1 : parsed.Bytes("memory-swap"))])
        {
            if (value != 0)
                request.Query(name, value.ToString(CultureInfo.InvariantCulture));
        }
        foreach (string host in parsed.List("add-host"))
            request.Query("extrahosts", host);
        if (parsed.List("security-opt") is { Count: > 0 } security)
            request.Query("securityopt", JsonSerializer.Serialize(security, ApiJson.Wire.StringList));
        return request;
    }
}
