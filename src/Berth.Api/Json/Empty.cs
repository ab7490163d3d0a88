namespace Berth.Api;

/// <summary>The empty JSON object, by which Go's sets are written.</summary>
public sealed record Empty
{
    /// <summary>The only one needed.</summary>
    public static Empty Instance { get; } = new();
}
