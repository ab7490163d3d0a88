using System.Globalization;
using System.Text.Json;
using Berth.Faults;
using Berth.Runtime;
using Berth.Runtime.Bundles;
using Berth.RuntimeProgram.CommandLine;

namespace Berth.RuntimeProgram.Verbs;

/// <summary><c>events</c>.</summary>
internal static class EventsVerb
{
    // Milliseconds.
    private const int KillsLookedFor = 100;
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(5);

    /// <summary>The command.</summary>
    public static Verb Definition => new()
    {
        Name = "events",
        Summary = "shows a container's counts as JSON, again and again until it ends",
        Options =
        [
            Option.Value("interval", "time between two (default: 5s)"),
            Option.Flag("stats", "once, and end"),
        ],
        Run = static call =>
        {
            using BundleRuntime runtime = call.Open();
            TimeSpan interval = call.Arguments.Value("interval") is { } text ? Interval(text) : s_interval;
            ulong kills = runtime.OutOfMemoryKills(call.Id);
            Show(runtime, call.Id);
            long shown = Environment.TickCount64;
            while (!call.Arguments.Has("stats") && AwaitNext(runtime, call.Id, interval, ref shown, ref kills))
                Show(runtime, call.Id);
            return 0;
        },
    };

    // Returns false when the container has ended. What the kernel kills meanwhile is told at once, as runc does.
    private static bool AwaitNext(BundleRuntime runtime, string id, TimeSpan interval, ref long shown, ref ulong kills)
    {
        for (;;)
        {
            double left = interval.TotalMilliseconds - (Environment.TickCount64 - shown);
            Thread.Sleep((int)Math.Clamp(left, 1, KillsLookedFor));
            ulong now = runtime.OutOfMemoryKills(id);
            for (; kills < now; kills++)
                Write("oom", id, static _ => { });
            if (runtime.State(id).Status is BundleStatus.Stopped)
                return false;
            if (left > KillsLookedFor)
                continue;
            shown = Environment.TickCount64;
            return true;
        }
    }

    private static TimeSpan Interval(string text)
    {
        (string number, double unit) = text.EndsWith("ms", StringComparison.Ordinal) ? (text[..^2], 0.001)
            : text.EndsWith('s') ? (text[..^1], 1) : text.EndsWith('m') ? (text[..^1], 60)
            : text.EndsWith('h') ? (text[..^1], 3600) : (text, double.NaN);
        bool valid = double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value)
            && value * unit > 0;
        return valid ? TimeSpan.FromSeconds(value * unit) : throw FaultException.Invalid("duration interval must be greater than 0");
    }

    private static void Show(BundleRuntime runtime, string id)
    {
        CgroupStatistics counts = runtime.Statistics(id);
        CgroupDetails details = runtime.Details(id);
        Write("stats", id, json =>
        {
            json.WriteStartObject("data");
            WriteCpu(json, counts, details);
            json.WriteStartObject("cpuset");
            WriteNumbers(json, "cpus", details.Processors.Select(static number => (ulong)number));
            WriteNumbers(json, "mems", details.MemoryNodes.Select(static number => (ulong)number));
            json.WriteEndObject();
            WriteMemory(json, counts, details);
            json.WriteStartObject("pids");
            json.WriteNumber("current", counts.Pids);
            json.WriteNumber("limit", counts.PidsLimit);
            json.WriteEndObject();
            json.WriteStartObject("blkio");
            WriteBlock(json, "ioServiceBytesRecursive", counts.BlockBytes);
            WriteBlock(json, "ioServicedRecursive", details.BlockOperations);
            json.WriteEndObject();
            json.WriteStartObject("hugetlb");
            foreach ((string size, MemoryCount count) in details.HugePages)
                WriteCount(json, size, count);
            json.WriteEndObject();
            json.WriteEndObject();
        });
    }

    private static void Write(string type, string id, Action<Utf8JsonWriter> data) =>
        Console.Out.Write(StateVerbs.Json(indented: false, json =>
        {
            json.WriteStartObject();
            json.WriteString("type", type);
            json.WriteString("id", id);
            data(json);
            json.WriteEndObject();
        }) + "\n");

    private static void WriteNumbers(Utf8JsonWriter json, string name, IEnumerable<ulong> numbers)
    {
        json.WriteStartArray(name);
        foreach (ulong number in numbers)
            json.WriteNumberValue(number);
        json.WriteEndArray();
    }

    private static void WriteCount(Utf8JsonWriter json, string name, MemoryCount count)
    {
        json.WriteStartObject(name);
        json.WriteNumber("limit", count.Limit);
        json.WriteNumber("usage", count.Usage);
        json.WriteNumber("max", count.Max);
        json.WriteNumber("failcnt", count.Failures);
        json.WriteEndObject();
    }

    private static void WriteCpu(Utf8JsonWriter json, CgroupStatistics counts, CgroupDetails details)
    {
        json.WriteStartObject("cpu");
        json.WriteStartObject("usage");
        json.WriteNumber("total", counts.CpuTotalNanoseconds);
        WriteNumbers(json, "percpu", counts.CpuPerProcessorNanoseconds);
        WriteNumbers(json, "percpu_kernel", details.CpuPerProcessorNanoseconds.Select(static each => each.Kernel));
        WriteNumbers(json, "percpu_user", details.CpuPerProcessorNanoseconds.Select(static each => each.User));
        json.WriteNumber("kernel", counts.CpuKernelNanoseconds);
        json.WriteNumber("user", counts.CpuUserNanoseconds);
        json.WriteEndObject();
        json.WriteStartObject("throttling");
        json.WriteNumber("periods", counts.ThrottlingPeriods);
        json.WriteNumber("throttledPeriods", counts.ThrottledPeriods);
        json.WriteNumber("throttledTime", counts.ThrottledNanoseconds);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteMemory(Utf8JsonWriter json, CgroupStatistics counts, CgroupDetails details)
    {
        json.WriteStartObject("memory");
        json.WriteNumber("cache", counts.MemoryDetails.GetValueOrDefault("cache", counts.MemoryDetails.GetValueOrDefault("file")));
        WriteCount(json, "usage",
            new MemoryCount(counts.MemoryUsage, counts.MemoryMaxUsage, counts.MemoryLimit, counts.MemoryFailures));
        WriteCount(json, "swap", details.Swap);
        WriteCount(json, "kernel", details.Kernel);
        WriteCount(json, "kernelTCP", details.KernelTcp);
        json.WriteStartObject("raw");
        foreach ((string name, ulong value) in counts.MemoryDetails)
            json.WriteNumber(name, value);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteBlock(
        Utf8JsonWriter json, string name, IReadOnlyList<(ulong Major, ulong Minor, string Operation, ulong Count)> counts)
    {
        json.WriteStartArray(name);
        foreach ((ulong major, ulong minor, string operation, ulong count) in counts)
        {
            json.WriteStartObject();
            json.WriteNumber("major", major);
            json.WriteNumber("minor", minor);
            json.WriteString("op", operation);
            json.WriteNumber("value", count);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}
