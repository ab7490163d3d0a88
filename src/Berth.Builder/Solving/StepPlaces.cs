using Berth.Dockerfile;
using Berth.Dockerfile.Instructions;

namespace Berth.Builder.Solving;

/// <summary>Counts a stage's steps as BuildKit shows them: the base image, and what makes files.</summary>
internal sealed class StepPlaces
{
    private readonly string? _stage;
    private readonly bool _hasImage;
    private readonly int _count;
    private int _number;

    public StepPlaces(BuildSession session, Stage stage)
    {
        string name = session.Expander.Expand(stage.From.Image, session.Variables.Globals.GetValueOrDefault);
        _hasImage = name != "scratch" && session.Earlier(stage, name, allowNumber: false) is null;
        _stage = session.File.Stages.Count > 1 ? stage.Name ?? $"stage-{stage.Index}" : null;
        _count = (_hasImage ? 1 : 0) + stage.Instructions.Count(MakesFiles);
    }

    /// <summary>The place of the next instruction; null when it has none.</summary>
    public StepPlace? Next(Instruction instruction) => MakesFiles(instruction) || (_hasImage && instruction is FromInstruction)
        ? new StepPlace(_stage, ++_number, _count) : null;

    private static bool MakesFiles(Instruction instruction) => instruction is RunInstruction or FileInstruction or WorkdirInstruction;
}
