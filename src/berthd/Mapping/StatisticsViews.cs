using Berth.Engine;
using Berth.Runtime;

namespace Berth.Daemon.Mapping;

/// <summary>A sample of a container's counts as clients compute with it.</summary>
internal static class StatisticsViews
{
    /// <summary>One line of a statistics stream.</summary>
    public static Wire.ContainerStatistics ToWire(this StatisticsSample sample) => new()
    {
        Name = "/" + sample.Name,
        Id = sample.Id,
        Read = sample.At,
        PreRead = sample.PreviousAt,
        PidsStats = sample.Counts is { } counts
            ? new Wire.PidsStatistics { Current = counts.Pids, Limit = counts.PidsLimit } : new Wire.PidsStatistics(),
        BlkioStats = ToBlkio(sample.Counts),
        CpuStats = ToCpu(sample.Counts, sample.SystemCpuNanoseconds, sample.OnlineCpus),
        PreCpuStats = ToCpu(
            sample.Previous, sample.PreviousSystemCpuNanoseconds, sample.Previous is null ? 0 : sample.OnlineCpus),
        MemoryStats = ToMemory(sample.Counts),
        Networks = sample.Networks.Count == 0 ? null : sample.Networks.ToDictionary(counts => counts.Name, ToWire),
    };

    private static Wire.BlkioStatistics ToBlkio(CgroupStatistics? counts)
    {
        if (counts is null)
            return new Wire.BlkioStatistics();
        // Version 1 has the other lists too; empty there, null on version 2, by which clients tell them apart.
        IReadOnlyList<Wire.BlkioEntry>? legacy = counts.IsVersion2 ? null : [];
        return new Wire.BlkioStatistics
        {
            IoServiceBytesRecursive = [.. counts.BlockBytes.Select(count => new Wire.BlkioEntry
            {
                Major = count.Major, Minor = count.Minor, Op = count.Operation, Value = count.Bytes,
            })],
            IoServicedRecursive = legacy,
            IoQueuedRecursive = legacy,
            IoServiceTimeRecursive = legacy,
            IoWaitTimeRecursive = legacy,
            IoMergedRecursive = legacy,
            IoTimeRecursive = legacy,
            SectorsRecursive = legacy,
        };
    }

    private static Wire.CpuStatistics ToCpu(CgroupStatistics? counts, ulong system, int processors) => counts is null
        ? new Wire.CpuStatistics()
        : new Wire.CpuStatistics
        {
            CpuUsage = new Wire.CpuUsage
            {
                TotalUsage = counts.CpuTotalNanoseconds,
                PercpuUsage = counts.CpuPerProcessorNanoseconds.Count > 0 ? counts.CpuPerProcessorNanoseconds : null,
                UsageInKernelmode = counts.CpuKernelNanoseconds,
                UsageInUsermode = counts.CpuUserNanoseconds,
            },
            SystemUsage = system,
            OnlineCpus = (uint)processors,
            ThrottlingData = new Wire.ThrottlingData
            {
                Periods = counts.ThrottlingPeriods,
                ThrottledPeriods = counts.ThrottledPeriods,
                ThrottledTime = counts.ThrottledNanoseconds,
            },
        };

    private static Wire.MemoryStatistics ToMemory(CgroupStatistics? counts) => counts is null
        ? new Wire.MemoryStatistics()
        : new Wire.MemoryStatistics
        {
            Usage = counts.MemoryUsage,
            MaxUsage = counts.MemoryMaxUsage,
            Stats = counts.MemoryDetails,
            Failcnt = counts.MemoryFailures,
            Limit = Math.Min(counts.MemoryLimit, (ulong)GC.GetGCMemoryInfo().TotalAvailableMemoryBytes),
        };

    private static Wire.NetworkStatistics ToWire(InterfaceCounts counts) => new()
    {
        RxBytes = counts.ReceivedBytes,
        RxPackets = counts.ReceivedPackets,
        RxErrors = counts.ReceivedErrors,
        RxDropped = counts.ReceivedDropped,
        TxBytes = counts.SentBytes,
        TxPackets = counts.SentPackets,
        TxErrors = counts.SentErrors,
        TxDropped = counts.SentDropped,
    };
}
