using System.Globalization;
using System.Text.Json;
using Berth.Api;
using Berth.Cli.Parsing;
using Berth.Cli.Text;

namespace Berth.Cli.Running;

/// <summary>How a container runs on its machine: limits, devices, namespaces, security.</summary>
internal static class HostOptions
{
    /// <exception cref="UsageException">An option's value is wrong.</exception>
    public static HostConfig Build(
        Session session, ParsedCommand parsed, List<string> binds, Dictionary<string, IReadOnlyList<PortBinding>?> ports)
    {
        List<string> networks = NetworkOptions.Names(parsed);
        HostConfig host = new()
        {
            Binds = binds.Count > 0 ? binds : null,
            ContainerIDFile = parsed.String("cidfile"),
            LogConfig = Log(parsed),
            NetworkMode = networks.Count > 0 ? networks[0] : "default",
            PortBindings = ports,
            RestartPolicy = Restart(parsed.String("restart")),
            AutoRemove = parsed.Bool("rm"),
            HealthOnFailure = HealthOnFailure(parsed),
            VolumeDriver = parsed.String("volume-driver"),
            VolumesFrom = NullIfEmpty(parsed.List("volumes-from")),
            ConsoleSize = ConsoleSize(session),
            Annotations = parsed.List("annotation") is { Count: > 0 } annotations ? KeyValues.Map(annotations) : null,
            CapAdd = NullIfEmpty(Capabilities(parsed.List("cap-add"))),
            CapDrop = NullIfEmpty(Capabilities(parsed.List("cap-drop"))),
            CgroupnsMode = parsed.String("cgroupns"),
            Dns = [.. parsed.List("dns").Select(AddressText.Normal)],
            DnsOptions = parsed.List("dns-option"),
            DnsSearch = parsed.List("dns-search"),
            ExtraHosts = NullIfEmpty(parsed.List("add-host").Select(ExtraHost).ToList()),
            GroupAdd = NullIfEmpty(parsed.List("group-add")),
            IpcMode = parsed.String("ipc"),
            Links = NullIfEmpty(parsed.List("link")),
            OomScoreAdj = OomScore(parsed),
            PidMode = parsed.String("pid"),
            Privileged = parsed.Bool("privileged"),
            PublishAllPorts = parsed.Bool("publish-all"),
            ReadonlyRootfs = parsed.Bool("read-only"),
            StorageOpt = NullIfEmpty(KeyValues.Pairs(parsed.List("storage-opt"), "storage option")),
            Tmpfs = NullIfEmpty(Tmpfs(parsed.List("tmpfs"))),
            UTSMode = parsed.String("uts"),
            UsernsMode = parsed.String("userns"),
            ShmSize = parsed.Bytes("shm-size"),
            Sysctls = NullIfEmpty(KeyValues.Map(parsed.List("sysctl"))),
            Runtime = parsed.String("runtime") is { Length: > 0 } runtime ? runtime : null,
            Isolation = parsed.String("isolation"),
            Mounts = NullIfEmpty(parsed.List("mount").Select(MountOptions.Parse).ToList()),
            Init = parsed.Has("init") ? parsed.Bool("init") : null,
        };
        CheckNamespaces(parsed);
        Security(parsed, host);
        ResourceOptions.Apply(parsed, host);
        if (host.AutoRemove && host.RestartPolicy.Name is not ("" or "no"))
            throw new UsageException("conflicting options: cannot specify both --restart and --rm");
        return host;
    }

    // The engine makes a terminal of this size before the program starts: the first resize, sent after it, would come too late.
    private static uint[] ConsoleSize(Session session) =>
        session.Console.OutputIsTerminal && session.Console.Size() is { } size ? [(uint)size.Rows, (uint)size.Columns] : [0, 0];

    // Docker's client looks at these itself, so that a far engine is not bothered.
    private static void CheckNamespaces(ParsedCommand parsed)
    {
        Check("pid", "PID", static m => m is "" or "host" || m.StartsWith("container:", StringComparison.Ordinal));
        Check("uts", "UTS", static m => m is "" or "host");
        Check("userns", "USER", static m => m is "" or "host" or "private" or "auto"
            || m.StartsWith("container:", StringComparison.Ordinal));
        Check("cgroupns", "CGROUP", static m => m is "" or "host" or "private");
        if (parsed.Int("memory-swappiness") is < -1 or > 100)
        {
            throw new UsageException(
                $"invalid value: {parsed.String("memory-swappiness")}. Valid memory swappiness range is 0-100");
        }
        foreach (string server in parsed.List("dns"))
        {
            if (!AddressText.IsAddress(server))
            {
                throw new UsageException(
                    $"invalid argument {GoValue.Quote(server)} for \"--dns\" flag: IP address is not correctly formatted: {server}");
            }
        }

        void Check(string option, string title, Func<string, bool> isKnown)
        {
            if (!isKnown(parsed.String(option)))
                throw new UsageException($"--{option}: invalid {title} mode");
        }
    }

    private static string? HealthOnFailure(ParsedCommand parsed) => parsed.String("health-on-failure") switch
    {
        "" => null,
        "none" or "restart" or "stop" => parsed.String("health-on-failure"),
        var other => throw new UsageException($"invalid --health-on-failure \"{other}\": use one of none, restart, stop"),
    };

    /// <exception cref="UsageException">Not a policy.</exception>
    public static RestartPolicy Restart(string text)
    {
        string[] parts = text.Split(':');
        if (text.Length > 0 && parts[0].Length == 0)
            throw new UsageException("invalid restart policy format: no policy provided before colon");
        if (parts.Length > 2)
            throw new UsageException("invalid restart policy format");
        int retries = 0;
        if (parts.Length == 2 && !int.TryParse(parts[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out retries))
            throw new UsageException("invalid restart policy format: maximum retry count must be an integer");
        return new RestartPolicy { Name = parts[0], MaximumRetryCount = retries };
    }

    private static List<string> Capabilities(IReadOnlyList<string> names) => names.Select(static n => n.Trim().ToUpperInvariant())
        .Select(static n => n == "ALL" || n.StartsWith("CAP_", StringComparison.Ordinal) ? n : "CAP_" + n).Distinct()
        .Order(StringComparer.Ordinal).ToList();

    private static LogConfig Log(ParsedCommand parsed)
    {
        string driver = parsed.String("log-driver");
        Dictionary<string, string> options = KeyValues.Map(parsed.List("log-opt"));
        return driver == "none" && options.Count > 0 ? throw new UsageException($"invalid logging opts for driver {driver}")
            : new LogConfig { Type = driver, Config = options };
    }

    private static int OomScore(ParsedCommand parsed)
    {
        // The engine knows the range and says it.
        return (int)Math.Clamp(parsed.Int("oom-score-adj"), int.MinValue, int.MaxValue);
    }

    private static string ExtraHost(string text)
    {
        int split = text.IndexOfAny([':', '=']);
        if (split <= 0)
            throw new UsageException(
                $"invalid argument {GoValue.Quote(text)} for \"--add-host\" flag: bad format for add-host: {GoValue.Quote(text)}");
        string address = text[(split + 1)..];
        if (address is ['[', .., ']'])
            address = address[1..^1];
        if (address != "host-gateway" && !AddressText.IsAddress(address))
        {
            throw new UsageException($"invalid argument {GoValue.Quote(text)} for \"--add-host\" flag: "
                + $"invalid IP address in add-host: {GoValue.Quote(address)}");
        }
        return $"{text[..split]}:{address}";
    }

    private static Dictionary<string, string> Tmpfs(IReadOnlyList<string> options)
    {
        Dictionary<string, string> mounts = new(StringComparer.Ordinal);
        foreach (string option in options)
        {
            int colon = option.IndexOf(':');
            mounts[colon < 0 ? option : option[..colon]] = colon < 0 ? "" : option[(colon + 1)..];
        }
        return mounts;
    }

    // The daemon may be far away: a profile's file is read here and sent along.
    private static void Security(ParsedCommand parsed, HostConfig host)
    {
        List<string> options = [];
        foreach (string option in parsed.List("security-opt"))
        {
            int split = option.IndexOf('=');
            if (split < 0)
                split = option.IndexOf(':');
            if (split < 0 && option != "no-new-privileges")
                throw new UsageException($"Invalid --security-opt: {GoValue.Quote(option)}");
            string key = split < 0 ? option : option[..split];
            string value = split < 0 ? "" : option[(split + 1)..];
            if (key == "systempaths" && value == "unconfined")
                host.MaskedPaths = host.ReadonlyPaths = [];
            else if (key == "seccomp" && value is not ("unconfined" or "builtin"))
                options.Add("seccomp=" + Profile(value));
            else
                options.Add(option);
        }
        host.SecurityOpt = options.Count > 0 ? options : null;
    }

    private static string Profile(string path)
    {
        try
        {
            using JsonDocument profile = JsonDocument.Parse(File.ReadAllBytes(path));
            return Templates.Value.Json(profile.RootElement);
        }
        catch (JsonException e)
        {
            throw new UsageException($"compacting json for seccomp profile ({path}) failed: {e.Message}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"opening seccomp profile ({path}) failed: open {path}: "
                + (e is FileNotFoundException or DirectoryNotFoundException ? "no such file or directory" : e.Message));
        }
    }

    private static IReadOnlyList<T>? NullIfEmpty<T>(IReadOnlyList<T> list) => list.Count == 0 ? null : list;

    private static Dictionary<string, string>? NullIfEmpty(Dictionary<string, string> map) => map.Count == 0 ? null : map;
}
