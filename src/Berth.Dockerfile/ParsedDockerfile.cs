using Berth.Dockerfile.Instructions;

namespace Berth.Dockerfile;

/// <summary>A Dockerfile as typed instructions. Complete only when <see cref="Diagnostics"/> has no errors.</summary>
public sealed class ParsedDockerfile
{
    /// <summary>The file's name, for messages.</summary>
    public required string FileName { get; init; }

    /// <summary>The text's lines, without their ends.</summary>
    public required IReadOnlyList<string> Lines { get; init; }

    /// <summary>What stood at the top.</summary>
    public required Directives Directives { get; init; }

    /// <summary>The ARGs before the first FROM, in order.</summary>
    public required IReadOnlyList<ArgInstruction> GlobalArgs { get; init; }

    /// <summary>The stages, in order.</summary>
    public required IReadOnlyList<Stage> Stages { get; init; }

    /// <summary>Everything found wrong or doubtful.</summary>
    public required Diagnostics Diagnostics { get; init; }

    /// <summary>The lines around a place, marked, as BuildKit prints them.</summary>
    public string Excerpt(SourceRange range) => SourceExcerpt.Render(FileName, Lines, range);

    /// <summary>The stage of a name (in any case) or number; null when there is none.</summary>
    public Stage? FindStage(string nameOrIndex)
    {
        Stage? named = Stages.LastOrDefault(
            stage => string.Equals(stage.Name, nameOrIndex, StringComparison.OrdinalIgnoreCase));
        if (named is not null)
            return named;
        return int.TryParse(nameOrIndex, System.Globalization.NumberStyles.None, null, out int index) && index < Stages.Count
            ? Stages[index] : null;
    }
}

/// <summary>One build stage: a FROM and what follows it.</summary>
/// <param name="Index">Its number, from 0.</param>
/// <param name="From">How it begins.</param>
/// <param name="Instructions">What follows, without the FROM.</param>
public sealed record Stage(int Index, FromInstruction From, IReadOnlyList<Instruction> Instructions)
{
    /// <summary>The name given by AS, in lower case; null when there is none.</summary>
    public string? Name => From.StageName;
}
