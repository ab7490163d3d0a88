using System.Globalization;

namespace Berth.Registry.Operation.Limits;

/// <summary>How many requests in which time: <c>100/6h</c>.</summary>
/// <param name="Count">Requests.</param>
/// <param name="Window">The time.</param>
public sealed record Rate(int Count, TimeSpan Window)
{
    /// <summary>Reads <c>COUNT/TIME</c>, where the time is a number with s, m, h or d; false for another text.</summary>
    public static bool TryParse(string text, out Rate rate)
    {
        rate = new Rate(0, TimeSpan.Zero);
        if (text.Split('/') is not [var count, { Length: > 1 } time]
            || !int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out int number) || number == 0
            || !int.TryParse(time.AsSpan(0, time.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out int length)
            || length is 0 or > 100_000)
            return false;
        TimeSpan? unit = time[^1] switch
        {
            's' => TimeSpan.FromSeconds(1),
            'm' => TimeSpan.FromMinutes(1),
            'h' => TimeSpan.FromHours(1),
            'd' => TimeSpan.FromDays(1),
            _ => null,
        };
        if (unit is not { } one)
            return false;
        rate = new Rate(number, one * length);
        return true;
    }
}

/// <summary>Limits on requests; null: none.</summary>
public sealed record RateSettings
{
    /// <summary>Pulls (manifests by GET) of one address without an account.</summary>
    public Rate? AnonymousPulls { get; init; }

    /// <summary>Pulls of one account.</summary>
    public Rate? AccountPulls { get; init; }

    /// <summary>All requests of one address without an account.</summary>
    public Rate? AnonymousRequests { get; init; }

    /// <summary>All requests of one account.</summary>
    public Rate? AccountRequests { get; init; }

    /// <summary>Whether nothing is limited.</summary>
    public bool IsEmpty => AnonymousPulls is null && AccountPulls is null && AnonymousRequests is null && AccountRequests is null;
}
