using System.Globalization;
using Berth.Faults;
using Berth.Linux.Processes;
using Berth.Oci.Runtime;

namespace Berth.Engine;

/// <summary>Gives each container that asks for a user namespace of its own 65536 ids that no other container has.</summary>
/// <remarks>They are cut from what <c>/etc/subuid</c> and <c>/etc/subgid</c> give to the user <c>berth</c>; where these name no such user,
/// from a range that is free on ordinary machines, leaving out what they give to anybody else. Nothing on disk has these ids, so a range
/// may be given anew as soon as its container is removed.</remarks>
/// <param name="inUse">The maps of all containers there are.</param>
/// <param name="etc">Where <c>subuid</c> and <c>subgid</c> are.</param>
internal sealed class UserIdRanges(Func<IEnumerable<UserMaps>> inUse, string etc = "/etc")
{
    /// <summary>How many a container has: all that ordinary images use.</summary>
    public const uint ContainerIds = 65536;

    /// <summary>The built-in range of <c>userns-remap: default</c>, beneath that of single containers.</summary>
    public const uint RemapFirst = DefaultFirst - ContainerIds;

    // In what systemd leaves to containers (524288 to 1879048191), far above what people give away by hand.
    private const uint DefaultFirst = 0x40000000, DefaultCount = 0x20000000;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, UserMaps> _pending = []; // Guarded by _gate: given, but in no record yet.

    /// <summary>Takes a range for a container that is being made.</summary>
    /// <exception cref="FaultException">Conflict: none is left.</exception>
    public UserMaps Take(string container)
    {
        lock (_gate)
        {
            UserMaps[] others = [.. inUse(), .. _pending.Values];
            // Several engines of a machine share the built-in range: where each begins is left to chance.
            uint chance = uint.Parse(container.AsSpan(0, 8), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            UserMaps taken = new()
            {
                Users = Take("subuid", [.. others.SelectMany(static maps => maps.Users)], chance),
                Groups = Take("subgid", [.. others.SelectMany(static maps => maps.Groups)], chance),
            };
            _pending[container] = taken;
            return taken;
        }
    }

    /// <summary>The container's record has its range now, or there will be no such container.</summary>
    public void Settle(string container)
    {
        lock (_gate)
            _pending.Remove(container);
    }

    private IReadOnlyList<IdMapping> Take(string file, IReadOnlyList<IdMapping> used, uint chance)
    {
        string path = Path.Join(etc, file);
        string content = File.Exists(path) ? File.ReadAllText(path) : "";
        IReadOnlyList<(uint First, uint Count)> own = SubordinateIds.Of(content, RemapText.OwnUser, null);
        List<(uint First, uint Count)> taken = [.. used.Select(static map => (map.HostID, map.Size))];
        if (own.Count == 0)
        {
            taken.AddRange(SubordinateIds.All(content));
            taken.Add((RemapFirst, ContainerIds));
        }
        uint? found = own.Count == 0 ? FindFrom(chance, taken)
            : own.Select(range => FindIn(range, taken)).FirstOrDefault(static first => first is not null);
        return found is { } start ? UserMaps.Stack([(start, ContainerIds)]) : throw FaultException.Conflict(own.Count == 0
            ? "no ids are left for another user namespace: remove containers that have one"
            : $"no ids are left for another user namespace: {path} gives {RemapText.OwnUser} room for "
                + $"{own.Sum(static range => (long)(range.Count / ContainerIds))} containers: remove some, or add a line like "
                + $"{RemapText.OwnUser}:{NextFree(content)}:{ContainerIds} to /etc/subuid and /etc/subgid");
    }

    private static uint? FindIn((uint First, uint Count) range, IReadOnlyList<(uint First, uint Count)> taken)
    {
        for (uint offset = 0; range.Count - offset >= ContainerIds; offset += ContainerIds)
        {
            if (IsFree(range.First + offset, taken))
                return range.First + offset;
        }
        return null;
    }

    private static uint? FindFrom(uint chance, IReadOnlyList<(uint First, uint Count)> taken)
    {
        const uint slots = DefaultCount / ContainerIds;
        for (uint i = 0; i < slots; i++)
        {
            uint first = DefaultFirst + (chance % slots + i) % slots * ContainerIds;
            if (IsFree(first, taken))
                return first;
        }
        return null;
    }

    private static bool IsFree(uint first, IReadOnlyList<(uint First, uint Count)> taken) =>
        taken.All(other => other.First >= (ulong)first + ContainerIds || (ulong)other.First + other.Count <= first);

    private static ulong NextFree(string content) =>
        SubordinateIds.All(content).Select(static range => (ulong)range.First + range.Count).DefaultIfEmpty(100_000UL).Max();
}
