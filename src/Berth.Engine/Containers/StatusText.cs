namespace Berth.Engine;

/// <summary>A state in words, as <c>ps</c> shows it.</summary>
internal static class StatusText
{
    public static string Of(ContainerState state, DateTimeOffset now) => state.Status switch
    {
        ContainerStatus.Running => $"Up {Duration(now - (state.StartedAt ?? now))}{Health(state.Health)}",
        ContainerStatus.Paused => $"Up {Duration(now - (state.StartedAt ?? now))} (Paused)",
        ContainerStatus.Restarting => $"Restarting ({state.ExitCode}) {Duration(now - (state.FinishedAt ?? now))} ago",
        ContainerStatus.Removing => "Removal In Progress",
        ContainerStatus.Dead => "Dead",
        ContainerStatus.Exited => $"Exited ({state.ExitCode}) {Duration(now - (state.FinishedAt ?? now))} ago",
        _ => "Created",
    };

    /// <summary>A duration as Docker rounds it.</summary>
    public static string Duration(TimeSpan span)
    {
        int hours = (int)Math.Round(span.TotalHours);
        return span.TotalSeconds switch
        {
            < 1 => "Less than a second",
            < 2 => "1 second",
            < 60 => $"{(int)span.TotalSeconds} seconds",
            < 120 => "About a minute",
            < 3600 => $"{(int)span.TotalMinutes} minutes",
            _ when hours == 1 => "About an hour",
            _ when hours < 48 => $"{hours} hours",
            _ when hours < 24 * 7 * 2 => $"{hours / 24} days",
            _ when hours < 24 * 30 * 2 => $"{hours / 24 / 7} weeks",
            _ when hours < 24 * 365 * 2 => $"{hours / 24 / 30} months",
            _ => $"{hours / 24 / 365} years",
        };
    }

    private static string Health(HealthState? health) => health?.Status switch
    {
        null => "", "starting" => " (health: starting)", string status => $" ({status})",
    };
}
