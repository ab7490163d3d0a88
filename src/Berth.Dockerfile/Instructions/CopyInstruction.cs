using Berth.Dockerfile.Parsing;

namespace Berth.Dockerfile.Instructions;

/// <summary>What <c>COPY</c> and <c>ADD</c> share.</summary>
/// <param name="Origin">Where it came from.</param>
/// <param name="Sources">Paths or patterns; variables not replaced. Heredocs are not among them.</param>
/// <param name="Heredocs">Files whose content is in the Dockerfile.</param>
/// <param name="Destination">Where to; variables not replaced.</param>
public abstract record FileInstruction(
    InstructionOrigin Origin, IReadOnlyList<string> Sources, IReadOnlyList<Heredoc> Heredocs, string Destination)
    : Instruction(Origin)
{
    /// <summary><c>--chown</c>: <c>user[:group]</c>; variables not replaced.</summary>
    public string? Chown { get; init; }

    /// <summary><c>--chmod</c>: octal or symbolic; variables not replaced.</summary>
    public string? Chmod { get; init; }

    /// <summary><c>--link</c>.</summary>
    public bool Link { get; init; }

    /// <summary><c>--exclude</c>: patterns left out.</summary>
    public IReadOnlyList<string> Excludes { get; init; } = [];

    internal static bool TrySplit(
        InstructionReader reader, out IReadOnlyList<string> sources, out IReadOnlyList<Heredoc> heredocs, out string destination)
    {
        (sources, heredocs, destination) = ([], reader.Line.Heredocs, "");
        IReadOnlyList<string> words = reader.JsonOrWords();
        if (words.Count < 2)
        {
            reader.Fail(words.Count == 0
                ? $"{reader.Name} requires at least two arguments"
                : $"{reader.Name} requires at least two arguments, but only one was provided. Destination could not be determined");
            return false;
        }
        if (HeredocWord.TryParse(words[^1], out _) && reader.Line.Heredocs.Count > 0)
        {
            reader.Fail($"{reader.Name} cannot accept a heredoc as a destination");
            return false;
        }
        HashSet<string> announced = [.. reader.Line.Heredocs.Select(heredoc => heredoc.Word)];
        sources = [.. words.Take(words.Count - 1).Where(word => !announced.Contains(word))];
        destination = words[^1];
        return true;
    }
}

/// <summary><c>COPY [--from=…] [--chown=…] [--chmod=…] [--link] [--parents] [--exclude=…] source … destination</c>.</summary>
/// <param name="Origin">Where it came from.</param>
/// <param name="Sources">Paths or patterns.</param>
/// <param name="Heredocs">Files whose content is in the Dockerfile.</param>
/// <param name="Destination">Where to.</param>
public sealed record CopyInstruction(
    InstructionOrigin Origin, IReadOnlyList<string> Sources, IReadOnlyList<Heredoc> Heredocs, string Destination)
    : FileInstruction(Origin, Sources, Heredocs, Destination)
{
    /// <summary><c>--from</c>: a stage's name or number, or an image; null: the context.</summary>
    public string? From { get; init; }

    /// <summary><c>--parents</c>: keep the directories of the sources.</summary>
    public bool Parents { get; init; }

    internal static Instruction? Read(InstructionReader reader)
    {
        string? from = reader.Flag("from");
        string? chown = reader.Flag("chown");
        string? chmod = reader.Flag("chmod");
        bool link = reader.BooleanFlag("link") ?? false;
        bool parents = reader.BooleanFlag("parents") ?? false;
        IReadOnlyList<string> excludes = reader.Flags("exclude");
        return TrySplit(reader, out IReadOnlyList<string> sources, out IReadOnlyList<Heredoc> heredocs, out string destination)
            ? new CopyInstruction(reader.Origin, sources, heredocs, destination)
            {
                From = from, Chown = chown, Chmod = chmod, Link = link, Parents = parents, Excludes = excludes,
            }
            : null;
    }
}
