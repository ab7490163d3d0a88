using Berth.Engine.Specs;
using Berth.Faults;

namespace Berth.Engine;

internal sealed partial class ContainerService
{
    public async Task<IReadOnlyList<string>> UpdateAsync(string id, ContainerUpdate update, CancellationToken cancellationToken)
    {
        Container container = Find(id);
        await container.Gate.WaitAsync(cancellationToken);
        try
        {
            HostSettings host = container.Record.Host;
            ResourceSpecs.CheckProcessors(update.Resources);
            CheckProcessors(container.Id, host.Resources, update.Resources);
            ResourceLimits merged = Merge(host.Resources, update.Resources);
            ResourceSpecs.Validate(merged);
            RestartPolicy policy = update.RestartPolicy is { Name.Length: > 0 } asked ? asked : host.RestartPolicy;
            ValidateHost.CheckPolicy(policy, host.AutoRemove);
            if (update.Resources.Devices is { Count: > 0 } || update.Resources.Ulimits is { Count: > 0 })
                throw FaultException.Invalid("devices and ulimits cannot be changed after creation");
            if (container.Runtime is { } running && merged != host.Resources)
            {
                await OfRunningAsync(container, running, () => running.UpdateAsync(
                    ResourceSpecs.Build(merged, host.Privileged) with { Devices = null }, cancellationToken));
            }
            Update(container, record => record with { Host = record.Host with { Resources = merged, RestartPolicy = policy } });
            Publish(container.Record, "update");
            return [.. LimitWarnings.Of(update.Resources, HostLimits.Read())];
        }
        finally
        {
            container.Gate.Release();
        }
    }

    // Two ways to say the same thing: one that was taken at the creation stays, as with Docker.
    private static void CheckProcessors(string id, ResourceLimits old, ResourceLimits asked)
    {
        string? conflict = (asked, old) switch
        {
            ({ CpuPeriod: not 0 }, { NanoCpus: not 0 }) => "CPU Period cannot be updated as NanoCPUs has already been set",
            ({ CpuQuota: not 0 }, { NanoCpus: not 0 }) => "CPU Quota cannot be updated as NanoCPUs has already been set",
            ({ NanoCpus: not 0 }, { CpuPeriod: not 0 }) => "Nano CPUs cannot be updated as CPU Period has already been set",
            ({ NanoCpus: not 0 }, { CpuQuota: not 0 }) => "Nano CPUs cannot be updated as CPU Quota has already been set",
            _ => null,
        };
        if (conflict is not null)
            throw FaultException.Conflict($"Cannot update container {id}: Conflicting options: {conflict}");
    }

    private static ResourceLimits Merge(ResourceLimits old, ResourceLimits asked)
    {
        if (asked.Memory > 0 && asked.MemorySwap == 0 && old.MemorySwap > 0 && asked.Memory > old.MemorySwap)
            throw FaultException.Conflict(
                "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time");
        return old with
        {
            Memory = Or(asked.Memory, old.Memory),
            MemorySwap = Or(asked.MemorySwap, old.MemorySwap),
            MemoryReservation = Or(asked.MemoryReservation, old.MemoryReservation),
            NanoCpus = Or(asked.NanoCpus, old.NanoCpus),
            CpuShares = Or(asked.CpuShares, old.CpuShares),
            CpuPeriod = Or(asked.CpuPeriod, old.CpuPeriod),
            CpuQuota = Or(asked.CpuQuota, old.CpuQuota),
            CpusetCpus = string.IsNullOrEmpty(asked.CpusetCpus) ? old.CpusetCpus : asked.CpusetCpus,
            CpusetMems = string.IsNullOrEmpty(asked.CpusetMems) ? old.CpusetMems : asked.CpusetMems,
            // 0 and every negative number take a limit away; for the kernel that is a change, too.
            PidsLimit = asked.PidsLimit is <= 0 ? -1 : asked.PidsLimit ?? old.PidsLimit,
            BlkioWeight = asked.BlkioWeight != 0 ? asked.BlkioWeight : old.BlkioWeight,
        };
    }

    private static long Or(long asked, long old) => asked != 0 ? asked : old;
}
