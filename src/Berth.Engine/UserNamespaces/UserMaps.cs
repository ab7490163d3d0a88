using Berth.Layers.Trees;
using Berth.Oci.Runtime;

namespace Berth.Engine;

/// <summary>What the users and groups of a container's own user namespace are outside of it. In the container's record from its creation
/// to its removal.</summary>
/// <remarks>user_namespaces(7). On disk everything of a container has its own ids; these are what its processes are to the kernel.
/// </remarks>
public sealed record UserMaps
{
    /// <summary>User ids, from 0 on without a gap.</summary>
    public required IReadOnlyList<IdMapping> Users { get; init; }

    /// <summary>Group ids, from 0 on without a gap.</summary>
    public required IReadOnlyList<IdMapping> Groups { get; init; }

    /// <summary>The user outside that is root inside.</summary>
    internal uint RootUser => Users[0].HostID;

    /// <summary>The group outside that is root's inside.</summary>
    internal uint RootGroup => Groups[0].HostID;

    /// <summary>The largest group inside.</summary>
    internal uint LastGroup => (uint)(Groups.Sum(static map => (long)map.Size) - 1);

    /// <summary>How a tree with these owners is read and written from outside.</summary>
    internal OwnerView View => new(RootUser, RootGroup, Inside, Outside);

    /// <summary>Maps ranges one behind the other from 0 on.</summary>
    internal static IReadOnlyList<IdMapping> Stack(IEnumerable<(uint First, uint Count)> ranges)
    {
        List<IdMapping> all = [];
        uint next = 0;
        foreach ((uint first, uint count) in ranges)
        {
            uint fits = Math.Min(count, uint.MaxValue - next);
            if (fits > 0)
                all.Add(new IdMapping { ContainerID = next, HostID = first, Size = fits });
            next += fits;
        }
        return all;
    }

    /// <summary>What an owner inside is outside; one that there is not inside is nobody's.</summary>
    private (uint Uid, uint Gid) Outside(uint user, uint group) => (Shift(Users, user, toInside: false) ?? Nobody,
        Shift(Groups, group, toInside: false) ?? Nobody);

    /// <summary>What an owner outside is inside: the overflow id, nobody, when it is not mapped, as the kernel shows it.</summary>
    private (uint Uid, uint Gid) Inside(uint user, uint group) =>
        (Shift(Users, user, toInside: true) ?? Nobody, Shift(Groups, group, toInside: true) ?? Nobody);

    private const uint Nobody = 65534;

    private static uint? Shift(IReadOnlyList<IdMapping> maps, uint id, bool toInside)
    {
        foreach (IdMapping map in maps)
        {
            (uint from, uint to) = toInside ? (map.HostID, map.ContainerID) : (map.ContainerID, map.HostID);
            if (id >= from && id - from < map.Size)
                return to + (id - from);
        }
        return null;
    }
}
