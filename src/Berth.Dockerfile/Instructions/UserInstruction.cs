using Berth.Dockerfile.Parsing;

namespace Berth.Dockerfile.Instructions;

/// <summary><c>USER user[:group]</c>.</summary>
/// <param name="Origin">Where it came from.</param>
/// <param name="User">As written; variables not replaced.</param>
public sealed record UserInstruction(InstructionOrigin Origin, string User) : Instruction(Origin)
{
    internal static Instruction? Read(InstructionReader reader) => reader.Arguments.Length == 0
        ? reader.Fail("USER requires exactly one argument")
        : new UserInstruction(reader.Origin, reader.Arguments);
}
