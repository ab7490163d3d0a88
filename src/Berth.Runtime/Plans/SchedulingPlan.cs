using System.Buffers.Binary;
using System.Globalization;
using Berth.Faults;
using Berth.Oci.Runtime;

namespace Berth.Runtime.Plans;

/// <summary>Plans how the kernel schedules a process. sched_setattr(2), ioprio_set(2), sched_setaffinity(2), personality(2).</summary>
internal static class SchedulingPlan
{
    private const int AttributeBytes = 48;
    private const int ProcessorsMax = 8192;
    private const uint PER_LINUX32 = 8;

    /// <summary>Adds what the process asks for.</summary>
    /// <param name="writer">The plan.</param>
    /// <param name="process">The process.</param>
    /// <param name="personality">The container's, as <see cref="Personality"/> gives it.</param>
    /// <exception cref="FaultException">InvalidArgument: no such policy, class, flag or processor.</exception>
    public static void Add(PlanWriter writer, ProcessSpec process, uint personality)
    {
        if (process.Scheduler is { } scheduler)
        {
            writer.Header.Scheduler = writer.Array<byte>(Attributes(scheduler));
            writer.Header.SchedulerBytes = AttributeBytes;
        }
        if (process.IoPriority is { } priority)
            writer.Header.IoPriority = IoPriority(priority);
        writer.Header.Personality = personality;
    }

    /// <summary>The plan's word for a container's execution domain: 0, none is set; otherwise the domain and 1.</summary>
    /// <exception cref="FaultException">InvalidArgument: no such domain or flag.</exception>
    public static uint Personality(PersonalitySpec? personality) => personality is null ? 0 : 1 + Domain(personality);

    /// <summary>Adds the processors of a further process.</summary>
    /// <exception cref="FaultException">InvalidArgument: not a list of processors.</exception>
    public static void AddAffinity(PlanWriter writer, CpuAffinitySpec affinity)
    {
        byte[]? before = Mask(affinity.Initial);
        byte[]? after = Mask(affinity.Final);
        int bytes = Math.Max(before?.Length ?? 0, after?.Length ?? 0);
        writer.Header.AffinityBytes = (uint)bytes;
        if (before is not null)
            writer.Header.AffinityBefore = writer.Array<byte>(Padded(before, bytes));
        if (after is not null)
            writer.Header.AffinityAfter = writer.Array<byte>(Padded(after, bytes));
    }

    private static byte[] Padded(byte[] mask, int bytes) => [.. mask, .. new byte[bytes - mask.Length]];

    // struct sched_attr: size, policy, flags, nice, priority, runtime, deadline, period.
    private static byte[] Attributes(SchedulerSpec scheduler)
    {
        byte[] bytes = new byte[AttributeBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, AttributeBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4), scheduler.Policy switch
        {
            "SCHED_OTHER" => 0,
            "SCHED_FIFO" => 1,
            "SCHED_RR" => 2,
            "SCHED_BATCH" => 3,
            "SCHED_ISO" => 4,
            "SCHED_IDLE" => 5,
            "SCHED_DEADLINE" => 6,
            _ => throw FaultException.Invalid($"invalid scheduler policy: {scheduler.Policy}"),
        });
        ulong flags = 0;
        foreach (string flag in scheduler.Flags ?? [])
            flags |= FlagOf(flag);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(8), flags);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(16), scheduler.Nice);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(20), scheduler.Priority);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(24), scheduler.Runtime);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(32), scheduler.Deadline);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(40), scheduler.Period);
        return bytes;
    }

    private static ulong FlagOf(string flag) => flag switch
    {
        "SCHED_FLAG_RESET_ON_FORK" => 1,
        "SCHED_FLAG_RECLAIM" => 2,
        "SCHED_FLAG_DL_OVERRUN" => 4,
        "SCHED_FLAG_KEEP_POLICY" => 8,
        "SCHED_FLAG_KEEP_PARAMS" => 16,
        "SCHED_FLAG_UTIL_CLAMP_MIN" => 32,
        "SCHED_FLAG_UTIL_CLAMP_MAX" => 64,
        _ => throw FaultException.Invalid($"invalid scheduler flag: {flag}"),
    };

    private static uint IoPriority(IoPrioritySpec priority)
    {
        uint kind = priority.Class switch
        {
            "IOPRIO_CLASS_RT" => 1,
            "IOPRIO_CLASS_BE" => 2,
            "IOPRIO_CLASS_IDLE" => 3,
            _ => throw FaultException.Invalid($"invalid ioPriority.Class: {priority.Class}"),
        };
        return priority.Priority is >= 0 and <= 7
            ? kind << 13 | (uint)priority.Priority
            : throw FaultException.Invalid($"invalid ioPriority.Priority: {priority.Priority}, it must be between 0 and 7");
    }

    private static uint Domain(PersonalitySpec personality)
    {
        if (personality.Flags is { Count: > 0 } flags)
            throw FaultException.Invalid($"personality flag {flags[0]}: none are defined");
        return personality.Domain switch
        {
            "LINUX" => 0,
            "LINUX32" => PER_LINUX32,
            _ => throw FaultException.Invalid($"invalid personality domain {personality.Domain}"),
        };
    }

    /// <summary>A mask of a list such as <c>0-3,7</c>; null for none.</summary>
    internal static byte[]? Mask(string? list)
    {
        if (string.IsNullOrWhiteSpace(list))
            return null;
        byte[] mask = new byte[ProcessorsMax / 8];
        int last = 0;
        foreach (string range in list.Split(',', StringSplitOptions.TrimEntries))
        {
            string[] ends = range.Split('-');
            if (ends.Length > 2 || !TryParse(ends[0], out int from) || !TryParse(ends[^1], out int to) || to < from)
                throw FaultException.Invalid($"invalid execCPUAffinity \"{list}\": must be a list of processors");
            for (int processor = from; processor <= to; processor++)
                mask[processor / 8] |= (byte)(1 << processor % 8);
            last = Math.Max(last, to);
        }
        return mask[..(((last / 64) + 1) * 8)];
    }

    private static bool TryParse(string text, out int processor) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out processor) && processor < ProcessorsMax;
}
