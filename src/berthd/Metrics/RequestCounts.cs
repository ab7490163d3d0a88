using System.Collections.Concurrent;

namespace Berth.Daemon.Metrics;

/// <summary>How often endpoints were asked and how long they took.</summary>
internal sealed class RequestCounts
{
    // The actions that Docker measures, by our endpoints.
    private static readonly Dictionary<string, string> s_actions = new(StringComparer.Ordinal)
    {
        ["POST /containers/create"] = "create",
        ["POST /containers/{id}/start"] = "start",
        ["DELETE /containers/{id*}"] = "delete",
        ["GET /containers/{id}/changes"] = "changes",
        ["POST /commit"] = "commit",
    };

    private readonly ConcurrentDictionary<(string Method, int Status), long> _requests = [];

    /// <summary>The durations of each action.</summary>
    public IReadOnlyDictionary<string, Histogram> Actions { get; } =
        s_actions.Values.ToDictionary(action => action, _ => new Histogram(), StringComparer.Ordinal);

    /// <summary>Requests by method and status.</summary>
    public IEnumerable<KeyValuePair<(string Method, int Status), long>> Requests => _requests;

    /// <summary>Counts one that was answered.</summary>
    public void Count(string method, string pattern, int status, TimeSpan took)
    {
        _requests.AddOrUpdate((method, status), 1, static (_, count) => count + 1);
        if (status < 400 && s_actions.TryGetValue($"{method} {pattern}", out string? action))
            Actions[action].Observe(took);
    }
}

/// <summary>Durations in Prometheus' default buckets.</summary>
internal sealed class Histogram
{
    /// <summary>Upper bounds in seconds.</summary>
    public static IReadOnlyList<double> Bounds { get; } = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    private readonly Lock _gate = new();
    private readonly long[] _counts = new long[Bounds.Count + 1]; // Guarded by _gate.
    private double _seconds;                                      // Guarded by _gate.

    /// <summary>Takes one in.</summary>
    public void Observe(TimeSpan took)
    {
        int bucket = 0;
        while (bucket < Bounds.Count && took.TotalSeconds > Bounds[bucket])
            bucket++;
        lock (_gate)
        {
            _counts[bucket]++;
            _seconds += took.TotalSeconds;
        }
    }

    /// <summary>How many there were up to each bound and in all, and their sum.</summary>
    public (IReadOnlyList<long> UpTo, double Seconds) Read()
    {
        lock (_gate)
        {
            long sum = 0;
            return ([.. _counts.Select(count => sum += count)], _seconds);
        }
    }
}
