namespace Berth.Dockerfile;

/// <summary>A piece of the Dockerfile's text. Lines and columns count from 1; the end is inclusive in lines.</summary>
/// <param name="StartLine">The first line.</param>
/// <param name="StartColumn">The column of the first character.</param>
/// <param name="EndLine">The last line.</param>
/// <param name="EndColumn">The column after the last character of the last line.</param>
public readonly record struct SourceRange(int StartLine, int StartColumn, int EndLine, int EndColumn);
