using Berth.Api;
using Berth.Cli.Parsing;
using Berth.Cli.Text;

namespace Berth.Cli.Running;

/// <summary>Makes the body of <c>POST /containers/create</c> of the options of <c>run</c> and <c>create</c>.</summary>
/// <remarks>Compared option by option with the bodies that Docker's client 28.2 sends.</remarks>
internal static class ContainerSpec
{
    /// <exception cref="UsageException">An option's value is wrong, or two contradict.</exception>
    public static CreateContainerRequest Build(Session session, ParsedCommand parsed)
    {
        CreateContainerRequest request = new() { Image = parsed.Arguments[0] };
        Process(session, parsed, request);
        (List<string> binds, Dictionary<string, Empty> volumes) = Volumes(parsed.List("volume"));
        request.Volumes = volumes;
        PortOptions.Published ports = PortOptions.Parse(parsed.List("publish"), parsed.List("expose"));
        request.ExposedPorts = ports.Exposed;
        request.Healthcheck = Health(parsed);
        request.HostConfig = HostOptions.Build(session, parsed, binds, ports.Bindings);
        request.NetworkingConfig = NetworkOptions.Endpoints(parsed);
        return request;
    }

    private static void Process(Session session, ParsedCommand parsed, CreateContainerRequest request)
    {
        HashSet<string> attach = [.. parsed.List("attach").Select(static a => a.ToLowerInvariant())];
        if (attach.FirstOrDefault(static a => a is not ("stdin" or "stdout" or "stderr")) is { } wrong)
            throw new UsageException($"invalid argument \"{wrong}\" for \"-a, --attach\" flag: valid streams are STDIN, STDOUT and STDERR");
        request.OpenStdin = parsed.Bool("interactive");
        request.AttachStdin = request.OpenStdin || attach.Contains("stdin");
        request.AttachStdout = attach.Count == 0 || attach.Contains("stdout");
        request.AttachStderr = attach.Count == 0 || attach.Contains("stderr");
        request.StdinOnce = request.OpenStdin && request.AttachStdin;
        request.Tty = parsed.Bool("tty");
        request.Hostname = parsed.String("hostname");
        request.Domainname = parsed.String("domainname");
        request.User = parsed.String("user");
        request.WorkingDir = parsed.String("workdir");
        if (parsed.Arguments.Count > 1)
            request.Cmd = parsed.Arguments.Skip(1).ToList();
        if (parsed.Has("entrypoint"))
            request.Entrypoint = [parsed.String("entrypoint")];
        request.Env = Environment(session, parsed);
        request.Labels = KeyValues.Labels(parsed.List("label"), parsed.List("label-file"));
        request.StopSignal = NullIfEmpty(parsed.String("stop-signal"));
        request.StopTimeout = parsed.Has("stop-timeout") ? (int)parsed.Int("stop-timeout") : null;
    }

    private static List<string> Environment(Session session, ParsedCommand parsed)
    {
        List<string> given = KeyValues.Environment(session, parsed.List("env"), parsed.List("env-file"));
        List<string> all = [];
        foreach ((string name, string value) in session.Config.Proxies(session.Engine.Address.Text))
        {
            if (!given.Exists(e => e.AsSpan().StartsWith(name, StringComparison.Ordinal)
                && (e.Length == name.Length || e[name.Length] == '=')))
                all.Add($"{name}={value}");
        }
        all.AddRange(given);
        return all;
    }

    private static (List<string> Binds, Dictionary<string, Empty> Volumes) Volumes(IReadOnlyList<string> options)
    {
        List<string> binds = [];
        Dictionary<string, Empty> volumes = [];
        foreach (string option in options)
        {
            string[] parts = option.Split(':');
            if (option.Length == 0 || parts.Length > 3 || parts.Any(static p => p.Length == 0))
                throw new UsageException(
                    $"invalid spec: {option}: {(option.Length == 0 ? "invalid empty volume spec" : parts.Length > 3 ? "too many colons" : "empty section between colons")}");
            if (parts.Length == 1)
            {
                volumes[option] = new Empty();
                continue;
            }
            if (parts[0].StartsWith('.'))
                parts[0] = Path.GetFullPath(parts[0]);
            binds.Add(string.Join(':', parts));
        }
        return (binds, volumes);
    }

    private static HealthConfig? Health(ParsedCommand parsed)
    {
        string[] flags =
            ["health-cmd", "health-interval", "health-timeout", "health-start-period", "health-start-interval", "health-retries"];
        bool any = flags.Any(parsed.Has);
        if (parsed.Bool("no-healthcheck"))
            return any ? throw new UsageException("--no-healthcheck conflicts with --health-* options")
                : new HealthConfig { Test = ["NONE"] };
        if (!any)
            return null;
        foreach (string flag in (string[])["health-interval", "health-timeout", "health-start-period", "health-start-interval"])
        {
            if (parsed.Duration(flag) < 0)
                throw new UsageException($"--{flag} cannot be negative");
        }
        if (parsed.Int("health-retries") < 0)
            throw new UsageException("--health-retries cannot be negative");
        return new HealthConfig
        {
            Test = parsed.String("health-cmd") is { Length: > 0 } command ? ["CMD-SHELL", command] : null,
            Interval = parsed.Duration("health-interval"),
            Timeout = parsed.Duration("health-timeout"),
            StartPeriod = parsed.Duration("health-start-period"),
            StartInterval = parsed.Duration("health-start-interval"),
            Retries = (int)parsed.Int("health-retries"),
        };
    }

    public static string? MacAddress(string text)
    {
        if (text.Length == 0)
            return null;
        string[] parts = text.Split(':', '-');
        return parts.Length == 6 && parts.All(static p => p.Length == 2 && p.All(char.IsAsciiHexDigit))
            ? text : throw new UsageException($"{text} is not a valid mac address");
    }

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;
}
