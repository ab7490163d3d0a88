namespace Berth.Dockerfile;

/// <summary>How grave a diagnostic is.</summary>
public enum Severity
{
    /// <summary>The build goes on; a lint rule.</summary>
    Warning,

    /// <summary>The text cannot be built.</summary>
    Error,
}

/// <summary>One thing found wrong or doubtful in a Dockerfile.</summary>
/// <param name="Severity">Whether it stops the build.</param>
/// <param name="Range">Where it stands.</param>
/// <param name="Message">What is wrong, in Docker's words where it has any.</param>
/// <param name="Rule">The lint rule's name (<c>MaintainerDeprecated</c>); null for mistakes.</param>
public sealed record Diagnostic(Severity Severity, SourceRange Range, string Message, string? Rule = null)
{
    /// <summary>Docker's line: <c>dockerfile parse error on line 3: …</c>, or <c>Rule: … (line 3)</c>.</summary>
    public override string ToString() => Severity == Severity.Error && Rule is null
        ? $"dockerfile parse error on line {Range.StartLine}: {Message}"
        : $"{Rule}: {Message} (line {Range.StartLine})";
}
