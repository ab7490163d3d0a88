namespace Berth.Engine;

/// <summary>Several errors in one text, as Docker writes them.</summary>
/// <remarks>moby 28, internal/multierror.</remarks>
internal static class ErrorList
{
    /// <summary>One as it is; of several each with a star before it.</summary>
    public static string Join(IReadOnlyList<string> errors) => errors.Count == 1 ? errors[0]
        : string.Join('\n', errors.Select(static error => "* " + error.Replace("\n", "\n\t", StringComparison.Ordinal)));
}
