namespace Berth.RuntimeProgram.Tests.Callers;

/// <summary>What a case wants of a container; each caller has its own words for it.</summary>
public sealed record CallerOptions
{
    public string? User { get; init; }

    public string? Directory { get; init; }

    public string? Variable { get; init; }

    public bool Terminal { get; init; }

    public bool ReadOnly { get; init; }

    public bool NoCapabilities { get; init; }

    public bool Privileged { get; init; }

    public string? Memory { get; init; }

    public (string Source, string Target, bool ReadOnly)? Volume { get; init; }

    /// <summary>Text for standard input; null: none.</summary>
    public string? Input { get; init; }
}
