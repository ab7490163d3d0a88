namespace Berth.Dockerfile.Parsing;

/// <summary>One instruction's text with its continuations joined and its heredocs taken out.</summary>
/// <param name="Text">Without leading blanks.</param>
/// <param name="Range">All its lines, the heredocs' too.</param>
/// <param name="Heredocs">The documents that follow it.</param>
internal sealed record LogicalLine(string Text, SourceRange Range, IReadOnlyList<Heredoc> Heredocs);
