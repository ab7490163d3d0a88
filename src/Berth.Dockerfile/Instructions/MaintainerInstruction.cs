using Berth.Dockerfile.Parsing;

namespace Berth.Dockerfile.Instructions;

/// <summary><c>MAINTAINER name</c>: deprecated, sets the author.</summary>
/// <param name="Origin">Where it came from.</param>
/// <param name="Maintainer">The author.</param>
public sealed record MaintainerInstruction(InstructionOrigin Origin, string Maintainer) : Instruction(Origin)
{
    internal static Instruction? Read(InstructionReader reader)
    {
        if (reader.Arguments.Length == 0)
            return reader.Fail("MAINTAINER requires exactly one argument");
        reader.Diagnostics.Warn(reader.Range, "MaintainerDeprecated",
            "Maintainer instruction is deprecated in favor of using label");
        return new MaintainerInstruction(reader.Origin, reader.Arguments);
    }
}
