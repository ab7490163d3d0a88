namespace Berth.Dockerfile;

/// <summary>The parser directives at the top of a Dockerfile.</summary>
/// <remarks>Dockerfile reference, "Parser directives".</remarks>
public sealed record Directives
{
    /// <summary><c># syntax=</c>: the frontend asked for. Accepted and not used: this parser knows that frontend's language.</summary>
    public string? Syntax { get; init; }

    /// <summary><c># escape=</c>: backslash, or backtick.</summary>
    public char Escape { get; init; } = '\\';

    /// <summary><c># check=skip=…</c>: lint rules not to be applied; <c>all</c> means every one.</summary>
    public IReadOnlyList<string> SkippedChecks { get; init; } = [];

    /// <summary><c># check=error=true</c>: findings of lint rules stop the build.</summary>
    public bool ChecksAreErrors { get; init; }
}
