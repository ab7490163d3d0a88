using System.Globalization;
using Berth.Faults;
using Berth.Oci.Runtime;
using Berth.Runtime.Bus;
using Berth.Runtime.Cgroups;

namespace Berth.Runtime.Systemd;

/// <summary>Limits as settings of a unit, as far as systemd has them; the others are files of the unit's cgroup alone.</summary>
/// <remarks>runc's docs/systemd.md, "Resource limits"; systemd.resource-control(5).</remarks>
internal sealed class UnitResources(bool isUnified, int version)
{
    private const ulong Unlimited = ulong.MaxValue;
    private const ulong DefaultPeriod = 100_000;
    // systemd keeps a quota in whole hundredths of a processor.
    private const ulong QuotaStep = 10_000;
    private const int CpuMax = 8192;
    private const int HasQuotaPeriod = 242, HasCpusets = 244, HasIdleWeight = 252;
    private readonly List<UnitProperty> _all = [];

    /// <summary>The settings, without those of devices.</summary>
    /// <exception cref="FaultException">InvalidArgument: a value is none.</exception>
    public IReadOnlyList<UnitProperty> Of(LinuxResources resources)
    {
        _all.Clear();
        if (resources.Memory is { } memory)
            AddMemory(memory);
        if (resources.Cpu is { } cpu)
            AddCpu(cpu);
        if (resources.Pids is { } pids)
            Add("TasksMax", pids.Limit > 0 ? (ulong)pids.Limit : Unlimited);
        if (resources.BlockIO?.Weight is { } weight and not 0)
            Add(isUnified ? "IOWeight" : "BlockIOWeight", isUnified ? CgroupV2Limits.BlockWeightOf(weight) : weight);
        if (isUnified)
        {
            foreach ((string file, string value) in resources.Unified ?? new Dictionary<string, string>())
                AddUnified(file, value.Trim());
        }
        return [.. _all];
    }

    private void AddMemory(MemoryLimits memory)
    {
        if (memory.Limit is { } limit and not 0)
            Add(isUnified ? "MemoryMax" : "MemoryLimit", Limit(limit));
        if (!isUnified)
            return;
        if (memory.Reservation is { } low and not 0)
            Add("MemoryLow", Limit(low));
        if (memory.Swap is { } both and not 0)
        {
            // The specification's value is memory and swap together.
            bool isLimited = both > 0 && memory.Limit is > 0;
            Add("MemorySwapMax", isLimited ? (ulong)Math.Max(0, both - memory.Limit!.Value) : Unlimited);
        }
    }

    private void AddCpu(CpuLimits cpu)
    {
        if (isUnified && cpu.Idle == 1 && version >= HasIdleWeight)
            Add("CPUWeight", 0);
        else if (cpu.Shares is { } shares and not 0)
            Add(isUnified ? "CPUWeight" : "CPUShares", isUnified ? CgroupV2Limits.WeightOf(shares) : shares);
        AddQuota(cpu.Quota ?? 0, cpu.Period ?? 0);
        AddSet("AllowedCPUs", cpu.Cpus);
        AddSet("AllowedMemoryNodes", cpu.Mems);
    }

    private void AddQuota(long quota, ulong period)
    {
        if (period != 0 && version >= HasQuotaPeriod)
            Add("CPUQuotaPeriodUSec", period);
        if (quota == 0 && period == 0)
            return;
        if (quota <= 0)
        {
            Add("CPUQuotaPerSecUSec", Unlimited);
            return;
        }
        UInt128 perSecond = (UInt128)quota * 1_000_000 / (period == 0 ? DefaultPeriod : period);
        // Up, so that the groups below get what they were promised; the file gets the exact value afterwards.
        Add("CPUQuotaPerSecUSec", (ulong)((perSecond + QuotaStep - 1) / QuotaStep * QuotaStep));
    }

    private void AddSet(string name, string? list)
    {
        if (!string.IsNullOrEmpty(list) && version >= HasCpusets)
            _all.Add(new UnitProperty(name, BusValue.Of(Bits(list))));
    }

    private void AddUnified(string file, string value)
    {
        switch (file)
        {
            case "cpu.max":
                string[] words = value.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                if (words.Length is not (1 or 2))
                    throw Wrong(file, value);
                AddQuota(words[0] == "max" ? 0 : (long)Number(file, words[0]), words.Length == 2 ? Number(file, words[1]) : DefaultPeriod);
                break;
            case "cpu.weight": Add("CPUWeight", Number(file, value)); break;
            case "cpuset.cpus": AddSet("AllowedCPUs", value); break;
            case "cpuset.mems": AddSet("AllowedMemoryNodes", value); break;
            case "memory.high": Add("MemoryHigh", Number(file, value)); break;
            case "memory.low": Add("MemoryLow", Number(file, value)); break;
            case "memory.min": Add("MemoryMin", Number(file, value)); break;
            case "memory.max": Add("MemoryMax", Number(file, value)); break;
            case "memory.swap.max": Add("MemorySwapMax", Number(file, value)); break;
            case "pids.max": Add("TasksMax", Number(file, value)); break;
        }
    }

    private void Add(string name, ulong value) => _all.Add(new UnitProperty(name, BusValue.Of(value)));

    private static ulong Limit(long value) => value < 0 ? Unlimited : (ulong)value;

    private static ulong Number(string file, string value) => value == "max" ? Unlimited
        : ulong.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number) ? number : throw Wrong(file, value);

    private static FaultException Wrong(string file, string value) =>
        FaultException.Invalid($"unified resource {file}: {value} is no value of it");

    /// <summary><c>0-3,5</c> as bits, the first byte's lowest for 0.</summary>
    /// <exception cref="FaultException">InvalidArgument: no such list.</exception>
    public static byte[] Bits(string list)
    {
        byte[] bits = new byte[CpuMax / 8];
        int length = 0;
        foreach (string range in list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            string[] ends = range.Split('-');
            if (ends.Length > 2 || !TryNumber(ends[0], out int first) || !TryNumber(ends[^1], out int last) || first > last)
                throw FaultException.Invalid($"set {list}: {range} is neither a number nor a range below {CpuMax}");
            for (int number = first; number <= last; number++)
                bits[number / 8] |= (byte)(1 << (number % 8));
            length = Math.Max(length, last / 8 + 1);
        }
        return length > 0 ? bits[..length] : throw FaultException.Invalid($"set {list}: it is empty");
    }

    private static bool TryNumber(string text, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number < CpuMax;
}
