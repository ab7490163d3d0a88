namespace Berth.Registry.Operation.Limits;

/// <summary>What a request finds when it is counted.</summary>
/// <param name="IsAllowed">Whether it may go on.</param>
/// <param name="Limit">Requests in a window.</param>
/// <param name="Remaining">How many of them are left now.</param>
/// <param name="Reset">When the window is whole again.</param>
public readonly record struct RateAnswer(bool IsAllowed, int Limit, int Remaining, TimeSpan Reset);

/// <summary>Counts requests by who asks: a bucket that holds a window's worth and fills evenly.</summary>
/// <remarks>In memory and per process, so that no request waits for a database: with several processes behind a balancer each gives its
/// limit. Bounded: past <see cref="KeysMax"/> the fullest buckets, whose owners would not notice, are forgotten.</remarks>
public sealed class RateLimiter(int limit, TimeSpan window, TimeProvider time)
{
    /// <summary>Callers remembered.</summary>
    public const int KeysMax = 100_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Bucket> _buckets = new(StringComparer.Ordinal); // Guarded by _gate.

    /// <summary>Requests in a window.</summary>
    public int Limit { get; } = limit;

    /// <summary>The window.</summary>
    public TimeSpan Window { get; } = window;

    /// <summary>Counts one request of a caller.</summary>
    public RateAnswer Count(string key)
    {
        long now = time.GetTimestamp();
        lock (_gate)
        {
            double tokens = Limit;
            if (_buckets.TryGetValue(key, out Bucket bucket))
                tokens = Refill(bucket, now);
            else if (_buckets.Count >= KeysMax)
                ForgetFull(now);
            bool isAllowed = tokens >= 1;
            if (isAllowed)
                tokens -= 1;
            _buckets[key] = new Bucket(tokens, now);
            TimeSpan reset = (Limit - tokens) / Limit * Window;
            return new RateAnswer(isAllowed, Limit, (int)tokens, isAllowed ? reset : (1 - tokens) / Limit * Window);
        }
    }

    /// <summary>What a caller has left; counts nothing.</summary>
    public RateAnswer Look(string key)
    {
        long now = time.GetTimestamp();
        lock (_gate)
        {
            double tokens = _buckets.TryGetValue(key, out Bucket bucket) ? Refill(bucket, now) : Limit;
            return new RateAnswer(true, Limit, (int)tokens, (Limit - tokens) / Limit * Window);
        }
    }

    private double Refill(Bucket bucket, long now) =>
        Math.Min(Limit, bucket.Tokens + (time.GetElapsedTime(bucket.At, now) / Window * Limit));

    private void ForgetFull(long now)
    {
        string[] full = [.. _buckets.Where(entry => Refill(entry.Value, now) >= Limit).Select(entry => entry.Key)];
        foreach (string key in full)
            _buckets.Remove(key);
        // Nobody is idle: under such an attack all start anew, rather than the memory growing.
        if (full.Length == 0)
            _buckets.Clear();
    }

    private readonly record struct Bucket(double Tokens, long At);
}
