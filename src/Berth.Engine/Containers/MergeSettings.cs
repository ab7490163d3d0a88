using Berth.Faults;
using Berth.Oci.Images;

namespace Berth.Engine;

/// <summary>Lays a request over an image's configuration: what the request leaves open comes from the image.</summary>
internal static class MergeSettings
{
    /// <summary>The path programs are looked for in when neither says.</summary>
    public const string DefaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /// <exception cref="FaultException">InvalidArgument: <c>no command specified</c>, or a wrong environment.</exception>
    public static ContainerSettings Merge(ContainerSettings request, ExecutionConfig? image)
    {
        foreach (string variable in request.Env ?? [])
        {
            if (variable.Length == 0 || variable[0] == '=' || variable.Contains('\0'))
                throw FaultException.Invalid($"invalid environment variable: {variable.Replace("\0", "\\0", StringComparison.Ordinal)}");
        }
        (IReadOnlyList<string>? entrypoint, IReadOnlyList<string>? command) = Program(request, image);
        if (entrypoint is not { Count: > 0 } && command is not { Count: > 0 })
            throw FaultException.Invalid("no command specified");
        return request with
        {
            Entrypoint = entrypoint,
            Cmd = command,
            Env = Environment(request.Env ?? [], image?.Env ?? []),
            User = string.IsNullOrEmpty(request.User) ? image?.User ?? "" : request.User,
            WorkingDir = WorkingDirectory(string.IsNullOrEmpty(request.WorkingDir) ? image?.WorkingDir : request.WorkingDir),
            Labels = Labels(request.Labels, image?.Labels),
            ExposedPorts = [.. (image?.ExposedPorts?.Keys ?? []).Concat(request.ExposedPorts ?? []).Select(NormalPort).Distinct()],
            Volumes = [.. (image?.Volumes?.Keys ?? []).Concat(request.Volumes ?? []).Distinct()],
            StopSignal = string.IsNullOrEmpty(request.StopSignal) ? image?.StopSignal : request.StopSignal,
            StopTimeout = request.StopTimeout ?? image?.StopTimeout,
            Healthcheck = Health(request.Healthcheck, image?.Healthcheck),
            Shell = request.Shell ?? image?.Shell,
        };
    }

    // A request's entrypoint without a command also drops the image's command: it was written for another program.
    private static (IReadOnlyList<string>?, IReadOnlyList<string>?) Program(ContainerSettings request, ExecutionConfig? image)
    {
        if (request.Entrypoint is not null)
            return (request.Entrypoint is [""] ? [] : request.Entrypoint, request.Cmd);
        return (image?.Entrypoint, request.Cmd is { Count: > 0 } ? request.Cmd : image?.Cmd);
    }

    /// <summary>The request's variables, then those of the image that it does not name. A name without <c>=</c> takes the image's away.
    /// </summary>
    public static IReadOnlyList<string> Environment(IReadOnlyList<string> request, IReadOnlyList<string> image)
    {
        List<string> result = [];
        HashSet<string> named = new(StringComparer.Ordinal);
        foreach (string variable in request)
        {
            string name = NameOf(variable);
            if (!named.Add(name))
                result.RemoveAll(other => NameOf(other) == name);
            if (variable.Contains('='))
                result.Add(variable);
        }
        result.AddRange(image.Where(variable => !named.Contains(NameOf(variable))));
        return result;
    }

    private static string NameOf(string variable) => variable.Split('=', 2)[0];

    private static string WorkingDirectory(string? text)
    {
        if (string.IsNullOrEmpty(text))
            return "";
        return text.StartsWith('/') ? ContainerPath.Clean(text) : throw FaultException.Invalid(
            $"the working directory '{text}' is invalid, it needs to be an absolute path");
    }

    private static Dictionary<string, string> Labels(
        IReadOnlyDictionary<string, string>? request, IReadOnlyDictionary<string, string>? image)
    {
        Dictionary<string, string> result = new(StringComparer.Ordinal);
        foreach ((string key, string value) in (image ?? new Dictionary<string, string>()).Concat(
            request ?? new Dictionary<string, string>()))
            result[key] = value;
        return result;
    }

    private static HealthConfig? Health(HealthConfig? request, HealthConfig? image)
    {
        if (request is null)
            return image;
        CheckDuration("Interval", request.Interval);
        CheckDuration("Timeout", request.Timeout);
        CheckDuration("StartPeriod", request.StartPeriod);
        CheckDuration("StartInterval", request.StartInterval);
        if (request.Retries < 0)
            throw FaultException.Invalid("Retries in Healthcheck cannot be negative");
        return image is null ? request : request with
        {
            Test = request.Test is { Count: > 0 } ? request.Test : image.Test,
            Interval = request.Interval != 0 ? request.Interval : image.Interval,
            Timeout = request.Timeout != 0 ? request.Timeout : image.Timeout,
            StartPeriod = request.StartPeriod != 0 ? request.StartPeriod : image.StartPeriod,
            StartInterval = request.StartInterval != 0 ? request.StartInterval : image.StartInterval,
            Retries = request.Retries != 0 ? request.Retries : image.Retries,
        };
    }

    private static void CheckDuration(string name, long nanoseconds)
    {
        if (nanoseconds is not 0 and < 1_000_000)
            throw FaultException.Invalid($"{name} in Healthcheck cannot be less than 1ms");
    }

    /// <summary>A port as <c>80/tcp</c>.</summary>
    /// <exception cref="FaultException">InvalidArgument: it is none.</exception>
    public static string NormalPort(string text)
    {
        string[] parts = text.Split('/');
        string protocol = parts.Length > 1 ? parts[1].ToLowerInvariant() : "tcp";
        if (parts.Length > 2 || protocol is not ("tcp" or "udp" or "sctp") || !parts[0].Split('-').All(IsPort))
            throw FaultException.Invalid($"invalid port specification: \"{text}\"");
        return $"{parts[0]}/{protocol}";
    }

    private static bool IsPort(string text) => ushort.TryParse(text, out ushort port) && port > 0;
}
