using System.Globalization;
using System.Text;
using Berth.Daemon.Http;
using Berth.Engine;

namespace Berth.Daemon.Metrics;

/// <summary>What is counted, in the text form that Prometheus reads; names are Docker's where they mean the same.</summary>
/// <remarks>https://prometheus.io/docs/instrumenting/exposition_formats/, version 0.0.4.</remarks>
internal static class MetricsText
{
    /// <summary>Its content type.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>All of it.</summary>
    public static string Write(SystemInfo info, ProgramIdentity program, RequestCounts counts)
    {
        StringBuilder text = new();
        Actions(text, counts);
        Head(text, "engine_daemon_container_states_containers", "gauge", "The count of containers in various states");
        Value(text, "engine_daemon_container_states_containers", "state=\"paused\"", info.Paused);
        Value(text, "engine_daemon_container_states_containers", "state=\"running\"", info.Running);
        Value(text, "engine_daemon_container_states_containers", "state=\"stopped\"", info.Stopped);
        One(text, "engine_daemon_engine_cpus_cpus", "gauge", "The number of cpus that the host system of the engine has", info.Processors);
        Head(text, "engine_daemon_engine_info", "gauge", "The information related to the engine and the OS it is running on");
        Value(text, "engine_daemon_engine_info", $"architecture=\"{Label(info.Architecture)}\",commit=\"{Label(program.Commit)}\","
            + $"daemon_id=\"{Label(info.Id)}\",graphdriver=\"{Label(info.StorageDriver)}\",kernel=\"{Label(info.KernelVersion)}\","
            + $"os=\"{Label(info.OperatingSystem)}\",os_type=\"linux\",os_version=\"{Label(info.OsVersion)}\","
            + $"version=\"{Label(program.Version)}\"", 1);
        One(text, "engine_daemon_engine_memory_bytes", "gauge", "The number of bytes of memory that the host system of the engine has",
            info.MemoryTotal);
        One(text, "engine_daemon_events_subscribers_total", "gauge", "The number of current subscribers to events", info.EventListeners);
        One(text, "engine_daemon_events_total", "counter", "The number of events logged", info.Events);
        One(text, "engine_daemon_health_checks_failed_total", "counter", "The total number of failed health checks",
            info.HealthChecksFailed);
        One(text, "engine_daemon_health_checks_total", "counter", "The total number of health checks", info.HealthChecks);
        Head(text, "berth_images", "gauge", "The number of images");
        Value(text, "berth_images", "", info.Images);
        Head(text, "berth_api_requests_total", "counter", "Requests answered, by method and status");
        foreach (((string method, int status), long count) in counts.Requests.OrderBy(entry => entry.Key))
            Value(text, "berth_api_requests_total", $"method=\"{Label(method)}\",status=\"{status}\"", count);
        Process(text, info);
        return text.ToString();
    }

    private static void Actions(StringBuilder text, RequestCounts counts)
    {
        const string Name = "engine_daemon_container_actions_seconds";
        Head(text, Name, "histogram", "The number of seconds it takes to process each container action");
        foreach ((string action, Histogram histogram) in counts.Actions.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            (IReadOnlyList<long> upTo, double seconds) = histogram.Read();
            for (int i = 0; i < Histogram.Bounds.Count; i++)
                Value(text, Name + "_bucket",
                    $"action=\"{action}\",le=\"{Histogram.Bounds[i].ToString(CultureInfo.InvariantCulture)}\"", upTo[i]);
            Value(text, Name + "_bucket", $"action=\"{action}\",le=\"+Inf\"", upTo[^1]);
            Value(text, Name + "_sum", $"action=\"{action}\"", seconds);
            Value(text, Name + "_count", $"action=\"{action}\"", upTo[^1]);
        }
    }

    private static void Process(StringBuilder text, SystemInfo info)
    {
        using var process = System.Diagnostics.Process.GetCurrentProcess();
        One(text, "process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds",
            process.TotalProcessorTime.TotalSeconds);
        One(text, "process_open_fds", "gauge", "Number of open file descriptors", info.OpenDescriptors);
        One(text, "process_resident_memory_bytes", "gauge", "Resident memory size in bytes", process.WorkingSet64);
        One(text, "process_start_time_seconds", "gauge", "Start time of the process since unix epoch in seconds",
            new DateTimeOffset(process.StartTime).ToUnixTimeMilliseconds() / 1000.0);
        One(text, "process_threads", "gauge", "Number of threads", process.Threads.Count);
    }

    private static void One(StringBuilder text, string name, string type, string help, double value)
    {
        Head(text, name, type, help);
        Value(text, name, "", value);
    }

    private static void Head(StringBuilder text, string name, string type, string help) =>
        text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} {type}\n");

    private static void Value(StringBuilder text, string name, string labels, double value) => text.Append(
        CultureInfo.InvariantCulture, $"{name}{(labels.Length > 0 ? "{" + labels + "}" : "")} {value:R}\n");

    private static string Label(string value) => value.Replace("\\", "\\\\", StringComparison.Ordinal)
        .Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
