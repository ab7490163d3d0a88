namespace Berth.Dockerfile;

/// <summary>A document written into the Dockerfile: <c>&lt;&lt;NAME</c> up to the line <c>NAME</c>.</summary>
/// <param name="Name">The delimiter, which is also the file's name in COPY and ADD.</param>
/// <param name="Content">The lines, each with its newline; leading tabs are gone already if asked by <c>&lt;&lt;-</c>.</param>
/// <param name="Expand">True when variables are replaced in it: the delimiter was not quoted.</param>
/// <param name="StripTabs">It was written <c>&lt;&lt;-</c>.</param>
/// <param name="Word">The word that announced it, as written.</param>
public sealed record Heredoc(string Name, string Content, bool Expand, bool StripTabs, string Word);
