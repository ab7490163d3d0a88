using Berth.Faults;
using Berth.Oci.Runtime;
using Berth.Runtime.Defaults;
using Berth.Runtime.Plans;

namespace Berth.Runtime.Bundles;

/// <summary>Reads a bundle's configuration as the specification says: paths relative to the bundle, and what may not be.</summary>
internal static class BundleSpec
{
    private const int MajorVersion = 1;

    /// <summary>The configuration with absolute paths on the host.</summary>
    public static RuntimeSpec Resolve(RuntimeSpec spec, string bundle)
    {
        RootSpec? root = spec.Root is { } given ? given with { Path = Path.GetFullPath(given.Path, bundle) } : null;
        return spec with
        {
            Root = root,
            Mounts = spec.Mounts is null ? null : [.. spec.Mounts.Select(mount => Resolve(mount, bundle))],
            Linux = spec.Linux is null ? null : spec.Linux with
            {
                Resources = (spec.Linux.Resources ?? new LinuxResources()) with { Devices = Rules(spec.Linux) },
            },
        };
    }

    // The specification supplies some devices to every container: they can be made and opened whatever the rules before say.
    private static IReadOnlyList<DeviceRule> Rules(LinuxSpec linux)
    {
        Cgroups.DeviceRules.Check(linux.Resources?.Devices ?? []);
        if (linux.Resources?.Devices is { Count: > 0 } rules)
            return [.. rules, .. DefaultSpec.DeviceRules.Where(static rule => rule.Allow)];
        return
        [
            .. DefaultSpec.DeviceRules,
            .. (linux.Devices ?? []).Where(static device => device.Type != "p").Select(static device => new DeviceRule
            {
                Allow = true, Type = device.Type == "u" ? "c" : device.Type, Major = device.Major, Minor = device.Minor, Access = "rwm",
            }),
        ];
    }

    private static MountSpec Resolve(MountSpec mount, string bundle)
    {
        bool bind = mount.Type is "bind" or "rbind" || mount.Options?.Any(static option => option is "bind" or "rbind") == true;
        return bind && mount.Source is { Length: > 0 } source ? mount with { Source = Path.GetFullPath(source, bundle) } : mount;
    }

    /// <summary>Refuses what no container can be made of.</summary>
    /// <exception cref="FaultException">InvalidArgument: what, in a sentence.</exception>
    public static void Check(RuntimeSpec spec, bool hasConsoleSocket, bool detached)
    {
        if (!Version.TryParse(spec.OciVersion.Split('-', '+')[0], out Version? version) || version.Major != MajorVersion)
            throw FaultException.Invalid($"ociVersion \"{spec.OciVersion}\" is not supported: it is 1.x");
        if (spec.Root is null)
            throw FaultException.Invalid("root must be specified");
        if (spec.Linux is null)
            throw FaultException.Invalid("linux must be specified: this is a runtime for Linux");
        if (spec.Process is not { } process)
            throw FaultException.Invalid("process property must not be empty");
        CheckTerminal(process.Terminal, hasConsoleSocket, detached);
        CheckNamespaces(spec);
        CheckLimits(process);
    }

    /// <summary>A terminal needs somebody to hold its other side, and nobody holds what is not there.</summary>
    /// <exception cref="FaultException">InvalidArgument: one without the other.</exception>
    public static void CheckTerminal(bool terminal, bool hasConsoleSocket, bool detached)
    {
        if (!terminal && hasConsoleSocket)
            throw FaultException.Invalid("cannot use console socket if container will not allocate tty");
        if (terminal && detached && !hasConsoleSocket)
            throw FaultException.Invalid("cannot allocate tty if container will detach without setting console socket");
    }

    private static void CheckNamespaces(RuntimeSpec spec)
    {
        HashSet<string> own = [.. (spec.Linux?.Namespaces ?? []).Select(static entry => entry.Type)];
        if (!string.IsNullOrEmpty(spec.Hostname) && !own.Contains("uts"))
            throw FaultException.Invalid("unable to set hostname without a private UTS namespace");
        if (!string.IsNullOrEmpty(spec.Domainname) && !own.Contains("uts"))
            throw FaultException.Invalid("unable to set domainname without a private UTS namespace");
        if (spec.Linux?.UidMappings is { Count: > 0 } && !own.Contains("user"))
            throw FaultException.Invalid("user namespace mappings specified, but user namespace isn't enabled in the config");
        KernelParameters.Check(spec);
    }

    private static void CheckLimits(ProcessSpec process)
    {
        string? twice = (process.Rlimits ?? []).GroupBy(static limit => limit.Type).FirstOrDefault(static group => group.Count() > 1)?.Key;
        if (twice is not null)
            throw FaultException.Invalid($"duplicated rlimit {twice}");
    }
}
