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

    private const string Other = "container:";

    /// <summary>The modes that name other containers, whose namespaces are joined.</summary>
    public static IEnumerable<string> Joined(HostSettings host) =>
        ((string?[])[host.UsernsMode, host.PidMode, host.IpcMode, host.NetworkMode]).OfType<string>().Where(IsOther);

    private static bool IsOther(string mode) => mode.StartsWith(Other, StringComparison.Ordinal);

    /// <summary>Checks the word alone.</summary>
    /// <exception cref="FaultException">InvalidArgument: an unknown one.</exception>
    public static void Check(string? mode)
    {
        if (mode is not (null or "" or Host or "private" or "auto") && !(mode.Length > Other.Length && IsOther(mode)))
            throw FaultException.Invalid(
                $"invalid user namespace mode: {mode}: use host, private for ids of its own, or container:NAME for another's");
    }

    /// <summary>Its own ids, whatever the engine's default is.</summary>
    public static bool IsPrivate(HostSettings host) => host.UsernsMode is "private" or "auto";

    /// <summary>True when the container gets a user namespace.</summary>
    public static bool IsAsked(HostSettings host, EngineOptions options) =>
        string.IsNullOrEmpty(host.UsernsMode) ? options.DefaultUserMaps is not null : host.UsernsMode != Host;

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
        if (IsPrivate(host) && Joined(host).FirstOrDefault() is { } joined)
            throw FaultException.Invalid($"cannot join namespaces of {joined} with ids of its own: they belong to that container's user "
                + $"namespace: use --userns={joined}");
    }

    /// <summary>The ids of a container that joins others: it is in their user namespace. Null: it joins none.</summary>
    /// <param name="host">What it asks for.</param>
    /// <param name="find">Finds a container by its name or ID; null: there is none. Of the network, processes and IPC that is said when it
    /// starts: clients take a "not found" before for a missing image.</param>
    /// <exception cref="FaultException">InvalidArgument: the other is missing or has no user namespace, or they have different ones.
    /// </exception>
    public static UserMaps? MapsOfJoined(HostSettings host, Func<string, ContainerRecord?> find)
    {
        UserMaps? maps = null;
        foreach (string mode in Joined(host))
        {
            if (find(mode[Other.Length..]) is not { } other)
            {
                if (mode == host.UsernsMode)
                    throw FaultException.Invalid($"cannot join the user namespace of another: No such container: {mode[Other.Length..]}");
                continue;
            }
            if (other.UserMaps is null)
                throw FaultException.Invalid($"cannot join namespaces of container {other.Id[..12]} when user namespaces are enabled: "
                    + "it is in the host's: use --userns=host");
            if (maps is not null && maps.RootUser != other.UserMaps.RootUser)
                throw FaultException.Invalid("cannot join namespaces of several containers that are in different user namespaces");
            maps = other.UserMaps;
        }
        return maps;
    }

    /// <summary>Refuses mounts that have no owners inside.</summary>
    /// <exception cref="FaultException">InvalidArgument or NotSupported.</exception>
    public static void CheckMounts(IReadOnlyList<MountRecord> mounts, bool isMapped)
    {
        foreach (MountRecord mount in mounts)
        {
            if (isMapped && mount.Point.Type == "image" && mount.Subpath.Length > 0)
                throw new FaultException(FaultKind.NotSupported,
                    $"mount {mount.Point.Destination}: a path of an image cannot be mounted in "
                    + "a container with a user namespace, only the whole image: leave the subpath out, or use --userns=host");
            if (!isMapped && mount.Point.Type == "bind" && mount.Options.Contains(BindOption))
                throw FaultException.Invalid($"mount {mount.Point.Destination}: idmap needs a user namespace: add --userns=private");
        }
    }

    /// <summary>The option of a bind mount that shows its owners through the container's ids, as a volume is shown.</summary>
    public const string BindOption = "idmap";
}
