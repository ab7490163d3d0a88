using Berth.Dockerfile.Parsing;

namespace Berth.Dockerfile.Instructions;

/// <summary><c>ENV name=value …</c>.</summary>
/// <param name="Origin">Where it came from.</param>
/// <param name="Variables">The variables, quotes and variables in them as written.</param>
public sealed record EnvInstruction(InstructionOrigin Origin, IReadOnlyList<NameValue> Variables) : Instruction(Origin)
{
    internal static Instruction? Read(InstructionReader reader) =>
        NameValues.Read(reader) is { } pairs ? new EnvInstruction(reader.Origin, pairs) : null;
}
