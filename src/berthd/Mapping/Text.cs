namespace Berth.Daemon.Mapping;

/// <summary>The wire writes "not given" as an empty string, the domain as null.</summary>
internal static class Text
{
    /// <summary>Null for an empty string.</summary>
    public static string? NullIfEmpty(this string? text) => string.IsNullOrEmpty(text) ? null : text;
}
