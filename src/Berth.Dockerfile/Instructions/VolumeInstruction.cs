using Berth.Dockerfile.Parsing;

namespace Berth.Dockerfile.Instructions;

/// <summary><c>VOLUME path …</c>.</summary>
/// <param name="Origin">Where it came from.</param>
/// <param name="Paths">The paths; variables not replaced.</param>
public sealed record VolumeInstruction(InstructionOrigin Origin, IReadOnlyList<string> Paths) : Instruction(Origin)
{
    internal static Instruction? Read(InstructionReader reader)
    {
        IReadOnlyList<string> paths = reader.JsonOrWords();
        if (paths.Count == 0)
            return reader.Fail("VOLUME requires at least one argument");
        return paths.Any(path => path.Trim().Length == 0)
            ? reader.Fail("VOLUME specified can not be an empty string")
            : new VolumeInstruction(reader.Origin, paths);
    }
}
