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
            Show(runtime, call.Id);
            while (!call.Arguments.Has("stats"))
            {
                Thread.Sleep(interval);
                if (runtime.State(call.Id).Status is BundleStatus.Stopped)
                    break;
                Show(runtime, call.Id);
            }
            return 0;
        },
    };

    private static TimeSpan Interval(string text)
    {
        (string number, double unit) = text.EndsWith("ms", StringComparison.Ordinal) ? (text[..^2], 0.001)
            : text.EndsWith('s') ? (text[..^1], 1) : text.EndsWith('m') ? (text[..^1], 60) : (text, double.NaN);
        bool valid = double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value)
            && value * unit > 0;
        return valid ? TimeSpan.FromSeconds(value * unit) : throw FaultException.Invalid("duration interval must be greater than 0");
    }

    private static void Show(BundleRuntime runtime, string id)
    {
        CgroupStatistics counts = runtime.Statistics(id);
        Console.Out.Write(StateVerbs.Json(indented: false, json =>
        {
            json.WriteStartObject();
            json.WriteString("type", "stats");
            json.WriteString("id", id);
            json.WriteStartObject("data");
            WriteCpu(json, counts);
            WriteMemory(json, counts);
            json.WriteStartObject("pids");
            json.WriteNumber("current", counts.Pids);
            json.WriteNumber("limit", counts.PidsLimit);
            json.WriteEndObject();
            WriteBlock(json, counts);
            json.WriteEndObject();
            json.WriteEndObject();
        }) + "\n");
    }

    private static void WriteCpu(Utf8JsonWriter json, CgroupStatistics counts)
    {
        json.WriteStartObject("cpu");
        json.WriteStartObject("usage");
        json.WriteNumber("total", counts.CpuTotalNanoseconds);
        json.WriteStartArray("percpu");
        foreach (ulong each in counts.CpuPerProcessorNanoseconds)
            json.WriteNumberValue(each);
        json.WriteEndArray();
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

    private static void WriteMemory(Utf8JsonWriter json, CgroupStatistics counts)
    {
        json.WriteStartObject("memory");
        json.WriteNumber("cache", counts.MemoryDetails.GetValueOrDefault("cache", counts.MemoryDetails.GetValueOrDefault("file")));
        json.WriteStartObject("usage");
        json.WriteNumber("limit", counts.MemoryLimit);
        json.WriteNumber("usage", counts.MemoryUsage);
        json.WriteNumber("max", counts.MemoryMaxUsage);
        json.WriteNumber("failcnt", counts.MemoryFailures);
        json.WriteEndObject();
        json.WriteStartObject("raw");
        foreach ((string name, ulong value) in counts.MemoryDetails)
            json.WriteNumber(name, value);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteBlock(Utf8JsonWriter json, CgroupStatistics counts)
    {
        json.WriteStartObject("blkio");
        json.WriteStartArray("ioServiceBytesRecursive");
        foreach ((ulong major, ulong minor, string operation, ulong bytes) in counts.BlockBytes)
        {
            json.WriteStartObject();
            json.WriteNumber("major", major);
            json.WriteNumber("minor", minor);
            json.WriteString("op", operation);
            json.WriteNumber("value", bytes);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
