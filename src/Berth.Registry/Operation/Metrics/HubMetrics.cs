using System.Globalization;
using Berth.Registry.Database;
using Berth.Registry.Operation.Limits;
using Berth.Registry.Tokens;

namespace Berth.Registry.Operation.Metrics;

/// <summary>What a hub tells Prometheus.</summary>
public sealed class HubMetrics(HubDatabase database, HubCounters counters, SignIn signIn, RequestLimits limits)
{
    /// <summary>All of it.</summary>
    public async Task<string> WriteAsync(CancellationToken cancellationToken)
    {
        var text = new MetricsText();
        Requests(text);
        text.One("berth_hub_sign_ins_refused_total", "counter", "Wrong passwords and tokens", signIn.Failures);
        text.One("berth_hub_requests_limited_total", "counter", "Requests refused by rate limits", limits.Refused);
        await ContentAsync(text, cancellationToken);
        Process(text);
        return text.ToString();
    }

    private void Requests(MetricsText text)
    {
        const string Total = "berth_hub_requests_total";
        text.Head(Total, "counter", "Requests answered, by what they were for, method and status");
        foreach (((string kind, string method, int status), long count) in counters.Requests.OrderBy(entry => entry.Key))
            text.Value(Total, $"kind=\"{kind}\",method=\"{method}\",status=\"{status}\"", count);
        text.One("berth_hub_requests_running", "gauge", "Requests that are being answered", counters.Running);
        const string Seconds = "berth_hub_request_seconds";
        text.Head(Seconds, "histogram", "How long requests took");
        foreach ((string kind, Durations durations) in counters.Times.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            (IReadOnlyList<long> upTo, double seconds) = durations.Read();
            for (int i = 0; i < Durations.Bounds.Count; i++)
                text.Value(Seconds + "_bucket",
                    $"kind=\"{kind}\",le=\"{Durations.Bounds[i].ToString(CultureInfo.InvariantCulture)}\"", upTo[i]);
            text.Value(Seconds + "_bucket", $"kind=\"{kind}\",le=\"+Inf\"", upTo[^1]);
            text.Value(Seconds + "_sum", $"kind=\"{kind}\"", seconds);
            text.Value(Seconds + "_count", $"kind=\"{kind}\"", upTo[^1]);
        }
    }

    private async Task ContentAsync(MetricsText text, CancellationToken cancellationToken)
    {
        (string Name, string Help, string Sql)[] gauges =
        [
            ("users", "User accounts", "select count(*) from users"),
            ("organisations", "Organisations", "select count(*) from accounts where kind = 'organisation'"),
            ("repositories", "Repositories", "select count(*) from repositories where visibility <> 'hidden'"),
            ("tags", "Tags", "select count(*) from tags"),
            ("manifests", "Manifests", "select count(*) from manifests"),
            ("blobs", "Blobs", "select count(*) from blobs"),
            ("blob_bytes", "Bytes of all blobs, each counted once", "select cast(coalesce(sum(bytes), 0) as bigint) from blobs"),
            ("uploads", "Uploads that are not finished", "select count(*) from uploads"),
            ("webhook_deliveries_waiting", "Webhook deliveries that wait",
                "select count(*) from webhook_deliveries where state = 'waiting'"),
        ];
        long[] values = await database.ReadAsync(
            async (transaction, token) =>
            {
                long[] read = new long[gauges.Length];
                for (int i = 0; i < gauges.Length; i++)
                    read[i] = await transaction.NumberAsync((SqlText)gauges[i].Sql, token) ?? 0;
                return read;
            }, cancellationToken);
        for (int i = 0; i < gauges.Length; i++)
            text.One("berth_hub_" + gauges[i].Name, "gauge", gauges[i].Help, values[i]);
    }

    private static void Process(MetricsText text)
    {
        using var process = System.Diagnostics.Process.GetCurrentProcess();
        text.One("process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds",
            process.TotalProcessorTime.TotalSeconds);
        text.One("process_resident_memory_bytes", "gauge", "Resident memory size in bytes", process.WorkingSet64);
        text.One("process_start_time_seconds", "gauge", "Start time of the process since unix epoch in seconds",
            new DateTimeOffset(process.StartTime).ToUnixTimeMilliseconds() / 1000.0);
        text.One("process_threads", "gauge", "Number of threads", process.Threads.Count);
    }
}
