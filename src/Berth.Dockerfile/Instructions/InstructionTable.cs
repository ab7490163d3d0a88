using Berth.Dockerfile.Parsing;

namespace Berth.Dockerfile.Instructions;

/// <summary>Every instruction by name: the one place where they are listed.</summary>
public static class InstructionTable
{
    private static readonly Dictionary<string, Func<InstructionReader, Instruction?>> s_readers = new(StringComparer.Ordinal)
    {
        ["ADD"] = AddInstruction.Read,
        ["ARG"] = ArgInstruction.Read,
        ["CMD"] = CmdInstruction.Read,
        ["COPY"] = CopyInstruction.Read,
        ["ENTRYPOINT"] = EntrypointInstruction.Read,
        ["ENV"] = EnvInstruction.Read,
        ["EXPOSE"] = ExposeInstruction.Read,
        ["FROM"] = FromInstruction.Read,
        ["HEALTHCHECK"] = HealthcheckInstruction.Read,
        ["LABEL"] = LabelInstruction.Read,
        ["MAINTAINER"] = MaintainerInstruction.Read,
        ["ONBUILD"] = OnBuildInstruction.Read,
        ["RUN"] = RunInstruction.Read,
        ["SHELL"] = ShellInstruction.Read,
        ["STOPSIGNAL"] = StopSignalInstruction.Read,
        ["USER"] = UserInstruction.Read,
        ["VOLUME"] = VolumeInstruction.Read,
        ["WORKDIR"] = WorkdirInstruction.Read,
    };

    /// <summary>The names of all instructions, in capitals.</summary>
    public static IEnumerable<string> Names => s_readers.Keys;

    internal static Instruction? Read(LogicalLine line, char escape, Diagnostics diagnostics)
    {
        InstructionReader reader = new(line, escape, diagnostics);
        if (!s_readers.TryGetValue(reader.Name, out Func<InstructionReader, Instruction?>? read))
            return reader.Fail($"unknown instruction: {reader.Keyword}{Spelling.Suggest(reader.Keyword, s_readers.Keys)}");
        Instruction? instruction = read(reader);
        return reader.Finish() ? instruction : null;
    }
}
