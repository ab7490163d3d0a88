using Berth.Engine.Specs;
using Berth.Engine.State;
using Berth.Faults;
using Berth.Linux.Processes;

namespace Berth.Engine;

/// <summary>Which containers have a user namespace of their own, and what they cannot have with it.</summary>
internal static class UserNamespaceRules
{
    /// <summary>Shares the engine's; the default.</summary>
    private const string Host = "host";

    /// <summary>Checks the word alone.</summary>
    /// <exception cref="FaultException">InvalidArgument: an unknown one.</exception>
    public static void Check(string? mode)
    {
        if (mode is not (null or "" or Host or "private" or "auto"))
            throw FaultException.Invalid($"invalid user namespace mode: {mode}: use host, or private for ids of its own");
    }

    /// <summary>Its own ids, whatever the engine's default is.</summary>
    public static bool IsPrivate(HostSettings host) => host.UsernsMode is "private" or "auto";

    /// <summary>True when the container gets a user namespace.</summary>
    public static bool IsAsked(HostSettings host, EngineOptions options) =>
        IsPrivate(host) || (string.IsNullOrEmpty(host.UsernsMode) && options.DefaultUserMaps is not null);

    /// <summary>Refuses what means the host's own, with Docker's texts where it has some.</summary>
    /// <exception cref="FaultException">InvalidArgument or NotSupported.</exception>
    public static void CheckCombination(HostSettings host, EngineOptions options)
    {
        if (!IsAsked(host, options))
            return;
        if (!UserNamespace.IsInitial)
            throw new FaultException(FaultKind.NotSupported, "a user namespace for each container needs an engine that is the machine's "
                + "root: all containers of an ordinary user's engine are in his user namespace already: leave --userns out");
        if (host.Privileged)
            throw FaultException.Invalid("privileged mode is incompatible with user namespaces.  You must run the container in the host "
                + "namespace when running privileged mode");
        if (host.NetworkMode == Host)
            throw FaultException.Invalid("cannot share the host's network namespace when user namespaces are enabled");
        if (host.PidMode == Host)
            throw FaultException.Invalid("cannot share the host PID namespace when user namespaces are enabled");
        // Version 2 is mounted anew, which is for the owner of the cgroup namespace; of version 1 the container gets its own directories.
        if (host.CgroupnsMode == Host && File.Exists("/sys/fs/cgroup/cgroup.controllers"))
            throw FaultException.Invalid("cannot share the host's cgroup namespace when user namespaces are enabled");
        foreach ((string what, string? mode) in ((string, string?)[])
            [("network", host.NetworkMode), ("PID", host.PidMode), ("IPC", host.IpcMode)])
            if (mode?.StartsWith("container:", StringComparison.Ordinal) == true)
                throw new FaultException(FaultKind.NotSupported, $"cannot join the {what} namespace of another container when user "
                    + "namespaces are enabled: it belongs to another user namespace: use --userns=host");
        if (host.Resources.Devices is { Count: > 0 } || host.Resources.DeviceRequests is { Count: > 0 })
            throw FaultException.Invalid("cannot give devices of the host when user namespaces are enabled: use --userns=host");
        string runtime = string.IsNullOrEmpty(host.Runtime) ? options.DefaultRuntime : host.Runtime;
        if (RuntimeNames.Find(options, runtime) is not null)
            throw new FaultException(FaultKind.NotSupported, $"runtime {runtime}: user namespaces need the engine's own runtime: leave "
                + "--runtime out, or use --userns=host");
    }

    /// <summary>Refuses mounts that have no owners inside.</summary>
    /// <exception cref="FaultException">InvalidArgument or NotSupported.</exception>
    public static void CheckMounts(IReadOnlyList<MountRecord> mounts, bool isMapped)
    {
        foreach (MountRecord mount in mounts)
        {
            if (isMapped && mount.Point.Type == "image")
                throw new FaultException(FaultKind.NotSupported, $"mount {mount.Point.Destination}: images cannot be mounted in a "
                    + "container with a user namespace yet: use --userns=host");
            if (!isMapped && mount.Point.Type == "bind" && mount.Options.Contains(BindOption))
                throw FaultException.Invalid($"mount {mount.Point.Destination}: idmap needs a user namespace: add --userns=private");
        }
    }

    /// <summary>The option of a bind mount that shows its owners through the container's ids, as a volume is shown.</summary>
    public const string BindOption = "idmap";
}
