namespace Berth.Dockerfile.Instructions;

/// <summary>Where an instruction came from.</summary>
/// <param name="Range">Its lines.</param>
/// <param name="Text">Its text, continuations joined, heredocs not included.</param>
/// <param name="Keyword">Its name as written.</param>
public sealed record InstructionOrigin(SourceRange Range, string Text, string Keyword);

/// <summary>One instruction of a Dockerfile. Variables in it are not replaced yet: that is the builder's, who knows them.</summary>
/// <param name="Origin">Where it came from.</param>
public abstract record Instruction(InstructionOrigin Origin)
{
    /// <summary>Its lines.</summary>
    public SourceRange Range => Origin.Range;

    /// <summary>Its name in capitals.</summary>
    public string Name => Origin.Keyword.ToUpperInvariant();

    /// <summary>Its text, continuations joined.</summary>
    public string Text => Origin.Text;
}

/// <summary>A program with arguments, or a line for the shell.</summary>
/// <param name="Words">The arguments; for the shell form one string, or none when nothing was written.</param>
/// <param name="IsShell">True for the shell form: the image's shell is put before it.</param>
public sealed record CommandLine(IReadOnlyList<string> Words, bool IsShell)
{
    /// <summary>The arguments as they are executed, with the shell where the form asks for it.</summary>
    public IReadOnlyList<string> Resolve(IReadOnlyList<string> shell) => IsShell && Words.Count > 0 ? [.. shell, .. Words] : Words;
}

/// <summary>A name and a value as written, quotes included.</summary>
/// <param name="Name">The name.</param>
/// <param name="Value">The value.</param>
public sealed record NameValue(string Name, string Value);
