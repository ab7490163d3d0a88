using System.Globalization;
using Berth.Registry.Operation.Configuration;

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
        if (text.Split('/') is not [var count, var time]
            || !int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out int number) || number == 0
            || !DurationText.TryParse(time, out TimeSpan window))
            return false;
        rate = new Rate(number, window);
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
