using Berth.Dockerfile.Parsing;

namespace Berth.Dockerfile.Instructions;

/// <summary><c>WORKDIR path</c>: made if missing.</summary>
/// <param name="Origin">Where it came from.</param>
/// <param name="Path">As written; variables not replaced.</param>
public sealed record WorkdirInstruction(InstructionOrigin Origin, string Path) : Instruction(Origin)
{
    internal static Instruction? Read(InstructionReader reader) => reader.Arguments.Length == 0
        ? reader.Fail("WORKDIR requires exactly one argument")
        : new WorkdirInstruction(reader.Origin, reader.Arguments);
}
