using Berth.Dockerfile.Parsing;

namespace Berth.Dockerfile.Instructions;

/// <summary><c>SHELL ["…"]</c>: the shell of later shell forms.</summary>
/// <param name="Origin">Where it came from.</param>
/// <param name="Shell">The shell and its arguments.</param>
public sealed record ShellInstruction(InstructionOrigin Origin, IReadOnlyList<string> Shell) : Instruction(Origin)
{
    internal static Instruction? Read(InstructionReader reader)
    {
        CommandLine command = reader.Command();
        if (command.IsShell)
            return reader.Fail("SHELL requires the arguments to be in JSON form");
        return command.Words.Count == 0
            ? reader.Fail("SHELL requires at least one argument")
            : new ShellInstruction(reader.Origin, command.Words);
    }
}
