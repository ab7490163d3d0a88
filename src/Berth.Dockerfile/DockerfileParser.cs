using Berth.Dockerfile.Instructions;
using Berth.Dockerfile.Lint;
using Berth.Dockerfile.Parsing;

namespace Berth.Dockerfile;

/// <summary>Reads a Dockerfile. Never throws for what is in the text: everything wrong is in the diagnostics, all at once.</summary>
public static class DockerfileParser
{
    /// <summary>The longest text that is read, in characters.</summary>
    public const int LengthMax = 4 * 1024 * 1024;

    /// <summary>How many instructions there may be.</summary>
    public const int InstructionsMax = 50_000;

    /// <summary>Reads a Dockerfile's text.</summary>
    /// <param name="text">The text; CRLF and a byte order mark are tolerated.</param>
    /// <param name="fileName">Its name, for messages.</param>
    public static ParsedDockerfile Parse(string text, string fileName = "Dockerfile")
    {
        Diagnostics diagnostics = new();
        if (text.Length > LengthMax)
        {
            diagnostics.Error(new SourceRange(1, 1, 1, 1), $"the file is longer than {LengthMax} characters");
            text = "";
        }
        string[] lines = SplitLines(text);
        Directives directives = DirectiveReader.Read(lines, diagnostics, out int first);
        string[] body = [.. lines.Select((line, i) => i < first ? "" : line)];
        List<Instruction> instructions = [];
        int count = 0;
        foreach (LogicalLine line in new LogicalLines(body, directives.Escape, diagnostics).Read())
        {
            if (++count > InstructionsMax)
            {
                diagnostics.Error(line.Range, $"more than {InstructionsMax} instructions");
                break;
            }
            if (InstructionTable.Read(line, directives.Escape, diagnostics) is { } instruction)
                instructions.Add(instruction);
        }
        if (count == 0 && !diagnostics.HasErrors)
            diagnostics.Error(new SourceRange(1, 1, 1, 1), "file with no instructions");
        return Assemble(fileName, lines, directives, instructions, diagnostics);
    }

    /// <summary>Reads one instruction as <c>ONBUILD</c> stores them.</summary>
    /// <param name="text">The instruction, which may hold heredocs.</param>
    /// <param name="diagnostics">Takes what is wrong.</param>
    /// <returns>Null when it is malformed or not allowed as a trigger.</returns>
    public static Instruction? ParseTrigger(string text, Diagnostics diagnostics)
    {
        LogicalLine? line = new LogicalLines(SplitLines(text), '\\', diagnostics).Read().FirstOrDefault();
        if (line is null)
            return diagnostics.Error<Instruction>(new SourceRange(1, 1, 1, 1), "ONBUILD requires at least one argument");
        return OnBuildInstruction.IsForbidden(line.Text) is { } problem
            ? diagnostics.Error<Instruction>(line.Range, problem)
            : InstructionTable.Read(line, '\\', diagnostics);
    }

    private static string[] SplitLines(string text)
    {
        string[] lines = text.TrimStart('\uFEFF').Split('\n');
        for (int i = 0; i < lines.Length; i++)
            lines[i] = lines[i].EndsWith('\r') ? lines[i][..^1] : lines[i];
        return lines is [.., ""] ? lines[..^1] : lines;
    }

    private static ParsedDockerfile Assemble(
        string fileName, string[] lines, Directives directives, List<Instruction> instructions, Diagnostics diagnostics)
    {
        List<ArgInstruction> globals = [];
        List<Stage> stages = [];
        List<Instruction> current = [];
        foreach (Instruction instruction in instructions)
        {
            if (instruction is FromInstruction from)
                stages.Add(new Stage(stages.Count, from, current = []));
            else if (stages.Count > 0)
                current.Add(instruction);
            else if (instruction is ArgInstruction arg)
                globals.Add(arg);
            else
                diagnostics.Error(instruction.Range, "no build stage in current context");
        }
        if (stages.Count == 0 && instructions.Count > 0 && !diagnostics.HasErrors)
            diagnostics.Error(instructions[^1].Range, "no build stage in current context");
        ParsedDockerfile parsed = new()
        {
            FileName = fileName,
            Lines = lines,
            Directives = directives,
            GlobalArgs = globals,
            Stages = stages,
            Diagnostics = diagnostics,
        };
        LintRules.Apply(parsed);
        return parsed;
    }
}
