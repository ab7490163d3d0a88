using Berth.Faults;
using Berth.Oci.Runtime;

namespace Berth.Runtime.Cgroups;

/// <summary>What both versions say of limits that they do not have, in Docker's or runc's words, and which values are none.</summary>
internal static class LimitRules
{
    /// <summary>What some callers write for a swappiness that is not given: -1 without its sign.</summary>
    public const ulong NoSwappiness = ulong.MaxValue;

    public const string Swappiness = "Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. "
        + "Memory swappiness discarded.";

    public const string OomKillDisable = "Your kernel does not support OomKillDisable. OomKillDisable discarded.";

    public const string KernelMemory = "Kernel memory settings are ignored and will be removed";

    public const string NoUnified = "invalid configuration: cannot use unified on cgroup v1";

    private const ulong SharesMin = 2, SharesMax = 262_144, SwappinessMax = 100;

    /// <summary>Refuses values that the kernel would turn into others, or that no kernel takes.</summary>
    /// <exception cref="FaultException">InvalidArgument: which, in runc's words.</exception>
    public static void Check(LinuxResources resources)
    {
        if (resources.Memory?.Swappiness is > SwappinessMax and not NoSwappiness)
        {
            throw FaultException.Invalid(
                $"invalid memory swappiness value: {resources.Memory.Swappiness} (valid range is 0-{SwappinessMax})");
        }
        if (resources.Cpu?.Shares is > 0 and < SharesMin)
            throw FaultException.Invalid($"the minimum allowed cpu-shares is {SharesMin}");
        if (resources.Cpu?.Shares > SharesMax)
            throw FaultException.Invalid($"the maximum allowed cpu-shares is {SharesMax}");
    }
}
