using Berth.Dockerfile.Parsing;

namespace Berth.Dockerfile.Instructions;

/// <summary><c>LABEL name=value …</c>.</summary>
/// <param name="Origin">Where it came from.</param>
/// <param name="Labels">The labels, quotes and variables in names and values as written.</param>
public sealed record LabelInstruction(InstructionOrigin Origin, IReadOnlyList<NameValue> Labels) : Instruction(Origin)
{
    internal static Instruction? Read(InstructionReader reader) =>
        NameValues.Read(reader) is { } pairs ? new LabelInstruction(reader.Origin, pairs) : null;
}
