using Berth.Dockerfile.Parsing;

namespace Berth.Dockerfile.Instructions;

/// <summary><c>STOPSIGNAL signal</c>.</summary>
/// <param name="Origin">Where it came from.</param>
/// <param name="Signal">As written; variables not replaced.</param>
public sealed record StopSignalInstruction(InstructionOrigin Origin, string Signal) : Instruction(Origin)
{
    internal static Instruction? Read(InstructionReader reader) => reader.Arguments.Length == 0
        ? reader.Fail("STOPSIGNAL requires exactly one argument")
        : new StopSignalInstruction(reader.Origin, reader.Arguments);
}
