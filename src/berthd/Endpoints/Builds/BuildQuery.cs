using System.Globalization;
using Berth.BuildKit.Export;
using Berth.Daemon.Http;
using Berth.Daemon.Mapping;
using Berth.Engine;
using Berth.Oci.References;

namespace Berth.Daemon.Endpoints.Builds;

/// <summary>The parameters of a classic build.</summary>
internal static class BuildQuery
{
    private const string ExitCodeMark = "returned a non-zero code: ";

    /// <summary>Reads them.</summary>
    /// <exception cref="FaultException">InvalidArgument: one of them is wrong. NotSupported: one that is not offered.</exception>
    public static BuildSettings Read(ApiCall call)
    {
        QueryValues query = call.Query;
        RefuseWhatIsNotOffered(query);
        return new BuildSettings
        {
            Dockerfile = query.Text("dockerfile"),
            Remote = query.TextOrNull("remote"),
            Tags = [.. query.All("t").Where(tag => tag.Length > 0).Select(tag => ImageReference.Parse(tag).WithDefaultTag())],
            BuildArgs = query.Map("buildargs"),
            Labels = query.Map("labels").ToDictionary(pair => pair.Key, pair => pair.Value ?? ""),
            Target = query.TextOrNull("target"),
            NoCache = query.Flag("nocache"),
            Pull = query.Flag("pull"),
            Quiet = query.Flag("q"),
            NetworkMode = query.TextOrNull("networkmode"),
            ExtraHosts = ExtraHosts(query),
            Platform = References.ParsePlatform(query.Text("platform")),
            CacheFrom = query.List("cachefrom"),
            Resources = Limits(query),
            ShmSize = query.Number("shmsize") ?? 0,
            Squash = query.Flag("squash"),
            Logins = RegistryHeaders.Logins(call.Http.Request.Headers),
            BuildId = query.TextOrNull("buildid"),
        };
    }

    /// <summary>True for a BuildKit client's build.</summary>
    public static bool IsForSession(QueryValues query) => query.Text("version") == "2";

    /// <summary>How a BuildKit client wants the result; null: as an image.</summary>
    /// <exception cref="FaultException">InvalidArgument: as nobody can have it.</exception>
    public static ExportForm? Output(QueryValues query) =>
        query.TextOrNull("outputs") is null or "null" ? null : query.Json("outputs", Wire.ApiJson.Wire.BuildOutputList) switch
        {
            null or { Count: 0 } => null,
            [var only] => ExportForms.Parse(only.Type),
            _ => throw FaultException.Invalid("multiple outputs not supported"),
        };

    /// <summary>The exit code of the step that failed, from the message that names it; 0 when no step did.</summary>
    public static int StepExitCode(string message)
    {
        int at = message.LastIndexOf(ExitCodeMark, StringComparison.Ordinal);
        if (at < 0)
            return 0;
        ReadOnlySpan<char> digits = message.AsSpan(at + ExitCodeMark.Length);
        int end = digits.IndexOfAnyExceptInRange('0', '9');
        return int.TryParse(end < 0 ? digits : digits[..end], CultureInfo.InvariantCulture, out int code) ? code : 0;
    }

    private static void RefuseWhatIsNotOffered(QueryValues query)
    {
        if (!IsForSession(query) && query.TextOrNull("session") is not null)
            throw new FaultException(
                FaultKind.NotSupported, "a session without version=2 is not supported by this engine");
        if (!IsForSession(query) && query.TextOrNull("outputs") is not (null or "null" or "[]"))
            throw new FaultException(FaultKind.NotSupported, "build outputs need a build session: build with DOCKER_BUILDKIT=1");
        if (query.TextOrNull("securityopt") is not (null or "null" or "[]"))
            throw new FaultException(FaultKind.NotSupported, "build security options are not supported by this engine");
        if (query.TextOrNull("isolation") is not (null or "default"))
            throw FaultException.Invalid($"unsupported isolation: \"{query.Text("isolation")}\"");
    }

    // A JSON list, or (older clients) one parameter each.
    private static IReadOnlyList<string> ExtraHosts(QueryValues query) =>
        query.Text("extrahosts").StartsWith('[') ? query.List("extrahosts")
            : [.. query.All("extrahosts").Where(host => host is not ("" or "null"))];

    private static ResourceLimits Limits(QueryValues query) => new()
    {
        Memory = query.Number("memory") ?? 0,
        MemorySwap = query.Number("memswap") ?? 0,
        CpuShares = query.Number("cpushares") ?? 0,
        CpuPeriod = query.Number("cpuperiod") ?? 0,
        CpuQuota = query.Number("cpuquota") ?? 0,
        CpusetCpus = query.TextOrNull("cpusetcpus"),
        CpusetMems = query.TextOrNull("cpusetmems"),
        CgroupParent = query.TextOrNull("cgroupparent"),
        Ulimits = query.Json("ulimits", Wire.ApiJson.Wire.UlimitList) is { } ulimits
            ? [.. ulimits.Select(ulimit => new Ulimit(ulimit.Name, ulimit.Soft, ulimit.Hard))] : null,
    };
}
