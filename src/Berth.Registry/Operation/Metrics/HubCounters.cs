using System.Collections.Concurrent;

namespace Berth.Registry.Operation.Metrics;

/// <summary>What is counted while a process serves.</summary>
public sealed class HubCounters
{
    private readonly ConcurrentDictionary<(string Kind, string Method, int Status), long> _requests = [];
    private readonly ConcurrentDictionary<string, Durations> _durations = new(StringComparer.Ordinal);
    private long _running;

    /// <summary>Requests by what they were for, method and status.</summary>
    public IEnumerable<KeyValuePair<(string Kind, string Method, int Status), long>> Requests => _requests;

    /// <summary>How long they took, by what they were for.</summary>
    public IEnumerable<KeyValuePair<string, Durations>> Times => _durations;

    /// <summary>Requests that are being answered.</summary>
    public long Running => Interlocked.Read(ref _running);

    /// <summary>A request began.</summary>
    public void Begin() => Interlocked.Increment(ref _running);

    /// <summary>A request was answered.</summary>
    public void End(string path, string method, int status, TimeSpan took)
    {
        Interlocked.Decrement(ref _running);
        string kind = KindOf(path);
        // Strangers choose methods: only the known ones are counted by name.
        string known = method is "GET" or "HEAD" or "PUT" or "POST" or "PATCH" or "DELETE" or "OPTIONS" ? method : "other";
        _requests.AddOrUpdate((kind, known, status), 1, static (_, count) => count + 1);
        _durations.GetOrAdd(kind, static _ => new Durations()).Observe(took);
    }

    private static string KindOf(string path)
    {
        if (path.StartsWith("/v2", StringComparison.Ordinal))
        {
            return path.Contains("/blobs/uploads", StringComparison.Ordinal) ? "upload"
                : path.Contains("/blobs/", StringComparison.Ordinal) ? "blob"
                : path.Contains("/manifests/", StringComparison.Ordinal) ? "manifest"
                : path.EndsWith("/tags/list", StringComparison.Ordinal) ? "tags"
                : path.Contains("/referrers/", StringComparison.Ordinal) ? "referrers" : "registry";
        }
        return path.StartsWith("/api/", StringComparison.Ordinal) ? "api"
            : path.StartsWith("/auth/", StringComparison.Ordinal) ? "auth" : "page";
    }
}

/// <summary>Durations in Prometheus' default buckets.</summary>
public sealed class Durations
{
    /// <summary>Upper bounds in seconds.</summary>
    public static IReadOnlyList<double> Bounds { get; } = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    private readonly long[] _counts = new long[Bounds.Count + 1];
    private long _ticks;

    /// <summary>Takes one in.</summary>
    public void Observe(TimeSpan took)
    {
        int bucket = 0;
        while (bucket < Bounds.Count && took.TotalSeconds > Bounds[bucket])
            bucket++;
        Interlocked.Increment(ref _counts[bucket]);
        Interlocked.Add(ref _ticks, took.Ticks);
    }

    /// <summary>How many there were up to each bound and in all, and their sum.</summary>
    public (IReadOnlyList<long> UpTo, double Seconds) Read()
    {
        long sum = 0;
        return ([.. _counts.Select((_, i) => sum += Interlocked.Read(ref _counts[i]))],
            TimeSpan.FromTicks(Interlocked.Read(ref _ticks)).TotalSeconds);
    }
}
