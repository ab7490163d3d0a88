using Berth.Dockerfile.Parsing;

namespace Berth.Dockerfile.Instructions;

/// <summary><c>ENTRYPOINT</c>: what is run.</summary>
/// <param name="Origin">Where it came from.</param>
/// <param name="Command">The program.</param>
public sealed record EntrypointInstruction(InstructionOrigin Origin, CommandLine Command) : Instruction(Origin)
{
    internal static Instruction? Read(InstructionReader reader)
    {
        CommandLine command = reader.Command();
        if (command.IsShell && command.Words.Count > 0)
            JsonArgs.Recommend(reader);
        return new EntrypointInstruction(reader.Origin, command);
    }
}
