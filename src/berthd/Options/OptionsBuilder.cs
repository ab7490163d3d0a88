using System.Globalization;
using Berth.Engine;
using Berth.Engine.Specs;
using Berth.Linux.Processes;
using Berth.Runtime;
using Microsoft.Extensions.Logging;

namespace Berth.Daemon.Options;

/// <summary>Makes options of settings; every mistake is found, not only the first.</summary>
internal sealed class OptionsBuilder(SettingValues values, DefaultPaths paths)
{
    private readonly List<string> _errors = [];

    /// <summary>Merges flags and file. What stands in both is an error, as in Docker: neither wins silently.</summary>
    public static SettingValues Merge(SettingValues flags, SettingValues file, string path, ICollection<string> errors)
    {
        string[] conflicts =
            [.. flags.Given.Where(file.Has).Select(setting =>
                $"{setting.Name}: (from flag: {flags.Show(setting)}, from file: {file.Show(setting)})")];
        if (conflicts.Length > 0)
            errors.Add($"unable to configure the Docker daemon with file {path}: the following directives are specified both as a "
                + $"flag and in the configuration file: {string.Join(", ", conflicts)}");
        var merged = new SettingValues();
        foreach (SettingValues source in new[] { file, flags })
            foreach (Setting setting in source.Given)
                merged.Set(setting, source.All(setting));
        return merged;
    }

    /// <summary>The options; null and the reasons when there is a mistake.</summary>
    public DaemonOptions? Build(ICollection<string> errors)
    {
        DaemonOptions options = BuildAll();
        foreach (string error in _errors)
            errors.Add(error);
        return errors.Count == 0 ? options : null;
    }

    private DaemonOptions BuildAll()
    {
        string execRoot = AbsolutePath(Settings.ExecRoot, paths.ExecRoot);
        string socket = Path.Combine(execRoot, "berth.sock");
        IReadOnlyList<string> hosts = values.All(Settings.Hosts) is { Count: > 0 } given ? given : [$"unix://{socket}"];
        ListenAddress[] listen = [.. hosts.Select(host => Try(() => ListenAddress.Parse(host))).OfType<ListenAddress>()];
        return new DaemonOptions
        {
            Engine = BuildEngine(execRoot),
            Listen = listen,
            Group = values.Text(Settings.Group),
            PidFile = values.Text(Settings.PidFile),
            LogLevel = values.Flag(Settings.Debug) is true ? LogLevel.Debug : Level(values.Text(Settings.LogLevel) ?? "info"),
            PrefersBuildKit = PrefersBuildKit(),
            Tls = Tls(listen),
            LogsAsJson = OneOf(Settings.LogFormat, "text", "text", "json") == "json",
            Metrics = values.Text(Settings.Metrics) is { Length: > 0 } metrics ? Try(() => ListenAddress.ParseMetrics(metrics)) : null,
        };
    }

    private EngineOptions BuildEngine(string execRoot)
    {
        var defaults = new EngineOptions();
        IReadOnlyDictionary<string, ExternalRuntime> runtimes = Runtimes();
        bool systemd = SystemdCgroup();
        return new EngineOptions
        {
            DataRoot = AbsolutePath(Settings.DataRoot, paths.DataRoot),
            ExecRoot = execRoot,
            Holder = Rootless.RootlessLaunch.Holder,
            Bridge = values.Text(Settings.Bridge) ?? defaults.Bridge,
            BridgeAddress = values.Text(Settings.BridgeAddress),
            FixedCidr = NetworkSettings.Range(values, Settings.FixedCidr, isIPv6: false, _errors),
            BridgeHasIPv6 = NetworkSettings.HasIPv6(values, _errors),
            BridgeAddressIPv6 = NetworkSettings.Range(values, Settings.BridgeAddressIPv6, isIPv6: true, _errors),
            FixedCidrIPv6 = NetworkSettings.Range(values, Settings.FixedCidrIPv6, isIPv6: true, _errors),
            DefaultNetworkOptions = NetworkSettings.Defaults(values, _errors),
            Mtu = Number(Settings.Mtu, defaults.Mtu, 0, 65_535),
            CgroupParent = values.Text(Settings.CgroupParent) ?? (systemd ? DefaultSlice : defaults.CgroupParent),
            SystemdCgroup = systemd,
            LogDriver = values.Text(Settings.LogDriver) ?? defaults.LogDriver,
            LogOptions = Map(Settings.LogOptions),
            DefaultUlimits = [.. values.All(Settings.Ulimits).Select(text => Try(() => ParseUlimit(text))).OfType<Ulimit>()],
            DefaultShmSize = values.Text(Settings.ShmSize) is { } size ? Bytes(size) : defaults.DefaultShmSize,
            Init = values.Flag(Settings.Init) ?? false,
            Runtimes = runtimes,
            DefaultRuntime = DefaultRuntime(runtimes, defaults),
            DefaultCgroupNamespace = OneOf(Settings.CgroupNamespace, "", "host", "private"),
            DefaultIpc = OneOf(Settings.Ipc, "private", "private", "shareable"),
            RegistryMirrors = [.. values.All(Settings.Mirrors).Select(Mirror)],
            InsecureRegistries = values.All(Settings.Insecure),
            MaxConcurrentDownloads = Number(Settings.Downloads, defaults.MaxConcurrentDownloads, 1, 100),
            MaxConcurrentUploads = Number(Settings.Uploads, defaults.MaxConcurrentUploads, 1, 100),
            Dns = [.. values.All(Settings.Dns).Select(server => Address(Settings.Dns, server))],
            DnsOptions = values.All(Settings.DnsOptions),
            DnsSearch = values.All(Settings.DnsSearch),
            DefaultAddressPools =
                [.. values.All(Settings.AddressPools).Select(text => Try(() => ParsePool(text))).OfType<AddressPool>()],
            DefaultPublishAddress = values.Text(Settings.PublishAddress) is { } address
                ? Address(Settings.PublishAddress, address) : defaults.DefaultPublishAddress,
            StopContainersOnDispose = values.Flag(Settings.LiveRestore) is false,
            ShutdownTimeoutSeconds = Number(Settings.ShutdownTimeout, defaults.ShutdownTimeoutSeconds, 0, 3600),
            CdiDirectories = CdiDirectories(defaults),
            Labels = Labels(),
            SeccompProfile = values.Text(Settings.Seccomp) is { Length: > 0 } path and not "builtin" ? ReadText(path) : null,
            DefaultUserMaps = Remap(),
            NoNewPrivileges = values.Flag(Settings.NoNewPrivileges) ?? false,
        };
    }

    private IReadOnlyList<string> Labels()
    {
        IReadOnlyList<string> all = values.All(Settings.Labels);
        Dictionary<string, string> known = new(StringComparer.Ordinal);
        foreach (string label in all)
        {
            string name = label.Split('=', 2)[0];
            if (!known.TryAdd(name, label) && known[name] != label)
                _errors.Add($"conflict labels for {known[name]} and {label}");
        }
        return all;
    }

    private UserMaps? Remap()
    {
        UserMaps? maps = values.Text(Settings.Remap) is { Length: > 0 } text ? Try(() => RemapText.Parse(text)) : null;
        if (maps is not null && !UserNamespace.IsInitial)
            _errors.Add("userns-remap needs a daemon that is the machine's root: containers of an ordinary user's daemon are in his user "
                + "namespace already");
        return maps;
    }

    private static string DefaultSlice => Environment.IsPrivilegedProcess && UserNamespace.IsInitial ? "system.slice" : "user.slice";

    private bool SystemdCgroup()
    {
        string driver = "cgroupfs";
        foreach (string option in values.All(Settings.ExecOptions))
        {
            if (option.StartsWith("native.cgroupdriver=", StringComparison.OrdinalIgnoreCase))
                driver = option["native.cgroupdriver=".Length..];
            else
                _errors.Add($"invalid exec-opts ({option}): unknown option: native.cgroupdriver is the only one");
        }
        if (driver is not ("cgroupfs" or "systemd"))
            _errors.Add($"native.cgroupdriver option {driver} not supported");
        bool systemd = driver == "systemd";
        _ = Try(() =>
        {
            CgroupParents.Check(values.Text(Settings.CgroupParent), systemd);
            return driver;
        });
        return systemd;
    }

    // Docker's switch turns it off; an empty path is no directory.
    private IReadOnlyList<string> CdiDirectories(EngineOptions defaults)
    {
        IReadOnlyList<string> given = values.All(Settings.CdiDirectories);
        if (values.All(Settings.Features).Contains("cdi=false"))
            return [];
        return given.Count == 0 ? defaults.CdiDirectories : [.. given.Where(directory => directory.Length > 0)];
    }

    // What is off needs nothing; what is on has to be something that there is.
    private bool PrefersBuildKit()
    {
        IReadOnlyList<string> features = values.All(Settings.Features);
        foreach (string other in features.Where(
            text => text.EndsWith("=true", StringComparison.Ordinal) && text is not ("buildkit=true" or "cdi=true")))
            _errors.Add($"invalid features ({other}): this engine has no such feature, only buildkit and cdi");
        return !features.Contains("buildkit=false");
    }

    private Dictionary<string, ExternalRuntime> Runtimes()
    {
        Dictionary<string, ExternalRuntime> all = new(StringComparer.Ordinal);
        foreach (ExternalRuntime runtime in values.All(Settings.Runtimes).Select(text => Try(() => RuntimeText.Parse(text)))
            .OfType<ExternalRuntime>())
        {
            if (!all.TryAdd(runtime.Name, runtime))
                _errors.Add($"runtime '{runtime.Name}' was already registered");
        }
        return all;
    }

    private string DefaultRuntime(IReadOnlyDictionary<string, ExternalRuntime> runtimes, EngineOptions defaults)
    {
        string name = values.Text(Settings.DefaultRuntime) is { Length: > 0 } given ? given : defaults.DefaultRuntime;
        if (!RuntimeNames.All(defaults with { Runtimes = runtimes }).Contains(name))
            _errors.Add($"specified default runtime '{name}' does not exist");
        return name;
    }

    private TlsFiles? Tls(IEnumerable<ListenAddress> listen)
    {
        string? authority = values.Text(Settings.TlsCa);
        string? certificate = values.Text(Settings.TlsCertificate);
        string? key = values.Text(Settings.TlsKey);
        ListenAddress? tcp = listen.FirstOrDefault(address => address.Tcp is not null);
        if (values.Flag(Settings.TlsVerify) is true && authority is not null && certificate is not null && key is not null)
            return new TlsFiles(authority, certificate, key);
        if (tcp is not null)
            _errors.Add($"listen on {tcp}: whoever reaches this socket is root on this machine, so TCP is only served to clients "
                + "with a certificate: give --tlsverify, --tlscacert, --tlscert and --tlskey, or use ssh:// from the client");
        return null;
    }

    private string OneOf(Setting setting, string standard, params ReadOnlySpan<string> known)
    {
        string text = values.Text(setting) ?? standard;
        if (text != standard && !known.Contains(text))
            _errors.Add($"invalid {setting.Name} ({text}): one of {string.Join(", ", known)} is expected");
        return text;
    }

    private string AbsolutePath(Setting setting, string fallback)
    {
        string path = values.Text(setting) ?? fallback;
        if (!path.StartsWith('/'))
            _errors.Add($"invalid {setting.Name} ({path}): the path must be absolute");
        return path.Length > 1 ? path.TrimEnd('/') : path;
    }

    private int Number(Setting setting, int fallback, int min, int max)
    {
        if (values.Text(setting) is not { } text)
            return fallback;
        if (int.TryParse(text, CultureInfo.InvariantCulture, out int number) && number >= min && number <= max)
            return number;
        _errors.Add($"invalid {setting.Name} ({text}): a number from {min} to {max} is expected");
        return fallback;
    }

    private Dictionary<string, string> Map(Setting setting)
    {
        var map = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string pair in values.All(setting))
        {
            int equals = pair.IndexOf('=', StringComparison.Ordinal);
            if (equals < 1)
                _errors.Add($"invalid {setting.Name} ({pair}): name=value is expected");
            else
                map[pair[..equals]] = pair[(equals + 1)..];
        }
        return map;
    }

    private string Address(Setting setting, string text)
    {
        if (!Network.AddressText.TryParse(text, out _))
            _errors.Add($"invalid {setting.Name} ({text}): an IP address is expected");
        return text;
    }

    private string Mirror(string text)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) || uri.Scheme is not ("http" or "https"))
            _errors.Add($"invalid mirror: unsupported scheme in \"{text}\": http:// or https:// is expected");
        return text;
    }

    private string? ReadText(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            _errors.Add($"opening seccomp profile ({path}) failed: {failure.Message}");
            return null;
        }
    }

    private LogLevel Level(string text)
    {
        switch (text)
        {
            case "trace": return LogLevel.Trace;
            case "debug": return LogLevel.Debug;
            case "info": return LogLevel.Information;
            case "warn": return LogLevel.Warning;
            case "error": return LogLevel.Error;
            case "fatal": return LogLevel.Critical;
        }
        _errors.Add($"invalid logging level: {text}");
        return LogLevel.Information;
    }

    private long Bytes(string text)
    {
        string digits = text.TrimEnd('b', 'B');
        long factor = digits.Length == 0 ? 1 : char.ToLowerInvariant(digits[^1]) switch
        {
            'k' => 1L << 10,
            'm' => 1L << 20,
            'g' => 1L << 30,
            't' => 1L << 40,
            _ => 1,
        };
        if (double.TryParse(factor == 1 ? digits : digits[..^1], CultureInfo.InvariantCulture, out double count) && count > 0)
            return (long)(count * factor);
        _errors.Add($"invalid size: '{text}'");
        return 0;
    }

    private static Ulimit ParseUlimit(string text)
    {
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        string[] limits = equals < 1 ? [] : text[(equals + 1)..].Split(':');
        if (limits.Length is not (1 or 2) || !limits.All(limit => long.TryParse(limit, CultureInfo.InvariantCulture, out _)))
            throw FaultException.Invalid($"invalid ulimit argument: {text}");
        Ulimit limit = new(
            text[..equals], long.Parse(limits[0], CultureInfo.InvariantCulture),
            long.Parse(limits[^1], CultureInfo.InvariantCulture));
        UlimitRules.Check(limit);
        return limit;
    }

    private static AddressPool ParsePool(string text)
    {
        Dictionary<string, string> parts = text.Split(',').Select(part => part.Split('=', 2))
            .Where(part => part.Length == 2).GroupBy(part => part[0]).ToDictionary(group => group.Key, group => group.Last()[1]);
        if (parts.GetValueOrDefault("base") is not { } range || !System.Net.IPNetwork.TryParse(range, out var network)
            || !int.TryParse(parts.GetValueOrDefault("size"), CultureInfo.InvariantCulture, out int size)
            || size < network.PrefixLength)
            throw FaultException.Invalid($"invalid default address pool ({text}): base=<network>,size=<prefix length> is expected");
        return new AddressPool(range, size);
    }

    private T? Try<T>(Func<T> parse) where T : class
    {
        try
        {
            return parse();
        }
        catch (FaultException fault)
        {
            _errors.Add(fault.Message);
            return null;
        }
    }
}
