using Berth.Dockerfile.Parsing;

namespace Berth.Dockerfile.Instructions;

/// <summary><c>CMD</c>: the default command.</summary>
/// <param name="Origin">Where it came from.</param>
/// <param name="Command">The command.</param>
public sealed record CmdInstruction(InstructionOrigin Origin, CommandLine Command) : Instruction(Origin)
{
    internal static Instruction? Read(InstructionReader reader)
    {
        CommandLine command = reader.Command();
        if (command.IsShell && command.Words.Count > 0)
            JsonArgs.Recommend(reader);
        return new CmdInstruction(reader.Origin, command);
    }
}

/// <summary>The lint rule that CMD and ENTRYPOINT share.</summary>
internal static class JsonArgs
{
    public static void Recommend(InstructionReader reader) => reader.Diagnostics.Warn(reader.Range, "JSONArgsRecommended",
        $"JSON arguments recommended for {reader.Name} to prevent unintended behavior related to OS signals");
}
