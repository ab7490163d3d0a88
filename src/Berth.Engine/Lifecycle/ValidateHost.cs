using Berth.Engine.Specs;
using Berth.Faults;

namespace Berth.Engine;

/// <summary>Checks the machine's part of a request and brings it into one form. What is not offered is refused, never ignored.</summary>
internal static class ValidateHost
{
    /// <exception cref="FaultException">InvalidArgument with Docker's texts; NotSupported.</exception>
    public static HostSettings Normal(HostSettings host, EngineParts parts, List<string> warnings)
    {
        ResourceSpecs.Validate(host.Resources);
        Devices.Validate(host.Resources);
        _ = Capabilities.Resolve(host.Privileged, host.CapAdd ?? [], host.CapDrop ?? []);
        _ = SecurityOptions.Parse(host.SecurityOpt ?? [], parts.Options).Seccomp([]);
        CheckModes(host);
        CheckRest(host);
        UserNamespaceRules.CheckCombination(host, parts.Options);
        string runtime = string.IsNullOrEmpty(host.Runtime) ? parts.Options.DefaultRuntime : host.Runtime;
        _ = RuntimeNames.Find(parts.Options, runtime);
        CheckPolicy(host.RestartPolicy, host.AutoRemove);
        PublishRules.Check(host);
        CgroupParents.Check(host.Resources.CgroupParent, parts.Options.SystemdCgroup);
        foreach (string key in host.Sysctls?.Keys ?? [])
            CheckSysctl(key, host);
        if (host.Resources is { OomKillDisable: true, Memory: 0 })
            warnings.Add("OOM killer is disabled for the container, but no memory limit is set, this can result in the system "
                + "running out of resources.");
        if (host is { NetworkMode: "host", PortBindings.Count: > 0 })
            warnings.Add("Published ports are discarded when using host network mode");
        return host with
        {
            NetworkMode = host.NetworkMode is null or "" or "default" ? "bridge" : host.NetworkMode,
            RestartPolicy = host.RestartPolicy.Name is "" ? RestartPolicy.No : host.RestartPolicy,
            Runtime = runtime,
            LogConfig = LogOptions.Normal(host.LogConfig, parts.Options),
            ShmSize = host.ShmSize > 0 ? host.ShmSize : parts.Options.DefaultShmSize,
            IpcMode = host.IpcMode is null or "" ? parts.Options.DefaultIpc : host.IpcMode,
            CgroupnsMode = host.CgroupnsMode is { Length: > 0 } asked ? asked
                : parts.Options.DefaultCgroupNamespace is { Length: > 0 } standard ? standard : host.Privileged ? "host" : "private",
            Resources = host.Resources with
            {
                // As Docker: without a word about swap, as much swap as memory; inspect says so.
                MemorySwap = host.Resources is { Memory: > 0, MemorySwap: 0 } ? host.Resources.Memory * 2 : host.Resources.MemorySwap,
                MemorySwappiness = host.Resources.MemorySwappiness is -1 ? null : host.Resources.MemorySwappiness,
            },
        };
    }

    /// <summary>What the container's own settings say against the host's.</summary>
    /// <param name="request">The request.</param>
    /// <param name="host">The host's settings in their one form.</param>
    /// <param name="merged">The container's settings with those of the image.</param>
    /// <exception cref="FaultException">InvalidArgument, with Docker's texts.</exception>
    public static void CheckAgainst(CreateContainer request, HostSettings host, ContainerSettings merged)
    {
        bool isJoined = host.NetworkMode!.StartsWith("container:", StringComparison.Ordinal);
        bool hasHostName = !string.IsNullOrEmpty(request.Config.Hostname);
        bool hasMac = !string.IsNullOrEmpty(request.Config.MacAddress)
            || request.Networks.Values.Any(static endpoint => endpoint.MacAddress.Length > 0);
        if (hasHostName && host.UTSMode == "host")
            throw FaultException.Invalid("conflicting options: hostname and the UTS mode");
        if (hasHostName && isJoined)
            throw FaultException.Invalid("conflicting options: hostname and the network mode");
        if (hasMac && (isJoined || host.NetworkMode == "host"))
            throw FaultException.Invalid("conflicting options: mac-address and the network mode");
        if (isJoined && request.Config.ExposedPorts is { Count: > 0 })
            throw FaultException.Invalid("conflicting options: port exposing and the container type network mode");
        if (host.HealthOnFailure is "restart" or "stop" && !HealthMonitor.HasCheck(merged.Healthcheck))
            throw FaultException.Invalid($"health-on-failure '{host.HealthOnFailure}' needs a health check, and neither the container nor "
                + "its image has one: add --health-cmd");
    }

    /// <exception cref="FaultException">InvalidArgument, with Docker's texts.</exception>
    public static void CheckPolicy(RestartPolicy policy, bool autoRemove)
    {
        (string name, int count) = policy;
        if (name is not ("" or "no" or "always" or "unless-stopped" or "on-failure"))
            throw FaultException.Invalid(
                $"invalid restart policy: unknown policy '{name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'");
        if (count < 0)
            throw FaultException.Invalid("invalid restart policy: maximum retry count cannot be negative");
        if (count != 0 && name != "on-failure")
            throw FaultException.Invalid("invalid restart policy: maximum retry count can only be used with 'on-failure'");
        if (autoRemove && name is not ("" or "no"))
            throw FaultException.Invalid("can't create 'AutoRemove' container with restart policy");
    }

    private static void CheckModes(HostSettings host)
    {
        Mode("IPC", host.IpcMode, mayJoin: true, "private", "none", "host", "shareable");
        Mode("PID", host.PidMode, mayJoin: true, "host");
        Mode("UTS", host.UTSMode, mayJoin: false, "host");
        Mode("CgroupNS", host.CgroupnsMode, mayJoin: false, "private", "host");
        UserNamespaceRules.Check(host.UsernsMode);
        if (host is { NetworkMode: "host", Links.Count: > 0 })
            throw FaultException.Invalid(
                "conflicting options: host type networking can't be used with links. This would result in undefined behavior");
        if (host.NetworkMode?.StartsWith("container:", StringComparison.Ordinal) == true)
        {
            if (host.NetworkMode == "container:")
                throw FaultException.Invalid("Invalid network mode: invalid container format container:<name|id>");
            if (host.Links is { Count: > 0 })
                throw FaultException.Invalid(
                    "conflicting options: container type network can't be used with links. This would result in undefined behavior");
            if (host.PortBindings is { Count: > 0 } || host.PublishAllPorts)
                throw FaultException.Invalid("conflicting options: port publishing and the container type network mode");
            if (host.Dns is { Count: > 0 })
                throw FaultException.Invalid("conflicting options: dns and the network mode");
            if (host.ExtraHosts is { Count: > 0 })
                throw FaultException.Invalid("conflicting options: custom host-to-IP mapping and the network mode");
        }
    }

    private static void Mode(string what, string? value, bool mayJoin, params ReadOnlySpan<string> known)
    {
        if (string.IsNullOrEmpty(value) || known.Contains(value))
            return;
        if (!mayJoin || !value.StartsWith("container:", StringComparison.Ordinal) || value == "container:")
            throw FaultException.Invalid($"invalid {what} mode: {value}");
    }

    private static void CheckRest(HostSettings host)
    {
        _ = StorageOptions.BytesMax(host.StorageOpt);
        foreach (string link in host.Links ?? [])
            _ = LinkText.Parse(link);
        Refuse(!string.IsNullOrEmpty(host.Cgroup), "the Cgroup field is not offered by this engine");
        if (!string.IsNullOrEmpty(host.VolumeDriver) && host.VolumeDriver != "local")
            throw FaultException.NotFound($"error looking up volume plugin {host.VolumeDriver}: plugin \"{host.VolumeDriver}\" not found");
        if (host.Isolation is not (null or "" or "default"))
            throw FaultException.Invalid($"invalid isolation '{host.Isolation}' on linux");
        if (host.HealthOnFailure is not (null or "" or "none" or "restart" or "stop"))
            throw FaultException.Invalid(
                $"invalid health-on-failure action '{host.HealthOnFailure}': use one of 'none', 'restart' or 'stop'");
        if (host.OomScoreAdj is < -1000 or > 1000)
            throw FaultException.Invalid($"Invalid value {host.OomScoreAdj}, range for oom score adj is [-1000, 1000]");
        if (host.ShmSize < 0)
            throw FaultException.Invalid("SHM size can not be less than 0");
        foreach (string entry in host.ExtraHosts ?? [])
            _ = Network.HostsFile.ParseExtraHost(entry, [System.Net.IPAddress.Loopback]);
        foreach (string server in host.Dns ?? [])
            if (!Network.AddressText.TryParse(server, out _))
                throw FaultException.Invalid($"{server} is not an ip address");
    }

    private static void CheckSysctl(string key, HostSettings host)
    {
        bool isIpc = key is "kernel.msgmax" or "kernel.msgmnb" or "kernel.msgmni" or "kernel.sem" or "kernel.shmall" or "kernel.shmmax"
            or "kernel.shmmni" or "kernel.shm_rmid_forced" || key.StartsWith("fs.mqueue.", StringComparison.Ordinal);
        bool isNetwork = key.StartsWith("net.", StringComparison.Ordinal);
        if (!isIpc && !isNetwork && key is not ("kernel.hostname" or "kernel.domainname"))
            throw FaultException.Invalid($"sysctl '{key}' is not whitelisted");
        if (isNetwork && host.NetworkMode == "host")
            throw FaultException.Invalid($"sysctl '{key}' not allowed in host network namespace");
        if (isIpc && host.IpcMode == "host")
            throw FaultException.Invalid($"sysctl '{key}' not allowed in host ipc namespace");
        if (!isIpc && !isNetwork && host.UTSMode == "host")
            throw FaultException.Invalid($"sysctl '{key}' not allowed in host uts namespace");
    }

    private static void Refuse(bool isAsked, string message)
    {
        if (isAsked)
            throw new FaultException(FaultKind.NotSupported, message);
    }
}
