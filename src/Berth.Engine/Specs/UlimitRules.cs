using Berth.Faults;

namespace Berth.Engine.Specs;

/// <summary>What may be asked of a process's limits, by containers and in the engine's configuration.</summary>
public static class UlimitRules
{
    /// <summary>Refuses a limit that the kernel does not have, or that is above its own bound.</summary>
    /// <exception cref="FaultException">InvalidArgument, with Docker's texts.</exception>
    public static void Check(Ulimit limit)
    {
        if (limit.Name is not ("core" or "cpu" or "data" or "fsize" or "locks" or "memlock" or "msgqueue" or "nice" or "nofile"
            or "nproc" or "rss" or "rtprio" or "rttime" or "sigpending" or "stack" or "as"))
            throw FaultException.Invalid($"invalid ulimit type: {limit.Name}");
        if (limit.Hard >= 0 && (limit.Soft > limit.Hard || limit.Soft < 0))
            throw FaultException.Invalid($"ulimit soft limit must be less than or equal to hard limit: {limit.Soft} > {limit.Hard}");
    }
}
