namespace Berth.Registry.Tokens;

/// <summary>There were too many wrong passwords; the right one is not looked at either before the time is over.</summary>
public sealed class TooManyAttemptsException(TimeSpan wait) : Exception("too many failed sign-ins: try again later")
{
    /// <summary>How long to wait.</summary>
    public TimeSpan Wait { get; } = wait;
}
