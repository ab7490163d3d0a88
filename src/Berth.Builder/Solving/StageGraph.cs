using Berth.Dockerfile;
using Berth.Dockerfile.Instructions;
using Berth.Faults;

namespace Berth.Builder.Solving;

/// <summary>Which stages a target needs.</summary>
internal static class StageGraph
{
    /// <summary>The stage that a name in FROM, --from or a mount means for an instruction of a stage: earlier ones only.</summary>
    public static Stage? Earlier(ParsedDockerfile file, Stage of, string name, bool allowNumber)
    {
        Stage? named = file.Stages.Take(of.Index).LastOrDefault(
            stage => string.Equals(stage.Name, name, StringComparison.OrdinalIgnoreCase));
        if (named is not null || !allowNumber)
            return named;
        return int.TryParse(name, System.Globalization.NumberStyles.None, null, out int index) && index < of.Index
            ? file.Stages[index] : null;
    }

    /// <summary>The target and all it stands on, in the file's order.</summary>
    /// <param name="file">The Dockerfile.</param>
    /// <param name="target">A stage's name or number; null: the last.</param>
    /// <param name="baseName">The name in a stage's FROM with its variables replaced.</param>
    /// <param name="isImage">A name that is an image's, also where a stage has it.</param>
    /// <exception cref="FaultException">InvalidArgument: no such target, with Docker's text.</exception>
    public static IReadOnlyList<Stage> Needed(
        ParsedDockerfile file, string? target, Func<Stage, string> baseName, Func<string, bool> isImage)
    {
        Stage last = string.IsNullOrEmpty(target) ? file.Stages[^1]
            : file.FindStage(target) ?? throw FaultException.Invalid(
                $"failed to reach build target {target} in Dockerfile{Spelling.Suggest(target, file.Stages.Select(s => s.Name).OfType<string>())}");
        SortedDictionary<int, Stage> needed = [];
        Queue<Stage> open = new([last]);
        while (open.TryDequeue(out Stage? stage))
        {
            if (!needed.TryAdd(stage.Index, stage))
                continue;
            string name = baseName(stage);
            if (!isImage(name) && Earlier(file, stage, name, allowNumber: false) is { } below)
                open.Enqueue(below);
            foreach (string from in stage.Instructions.SelectMany(Froms))
            {
                if (!isImage(from) && Earlier(file, stage, from, allowNumber: true) is { } other)
                    open.Enqueue(other);
            }
        }
        return [.. needed.Values];
    }

    private static IEnumerable<string> Froms(Instruction instruction) => instruction switch
    {
        CopyInstruction { From: { } from } => [from],
        RunInstruction run => run.Mounts.Select(mount => mount.From).OfType<string>(),
        _ => [],
    };
}
