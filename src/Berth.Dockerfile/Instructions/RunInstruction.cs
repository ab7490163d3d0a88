using Berth.Dockerfile.Parsing;

namespace Berth.Dockerfile.Instructions;

/// <summary><c>RUN [--mount=…] [--network=…] [--security=…] command</c>.</summary>
/// <param name="Origin">Where it came from.</param>
/// <param name="Command">The command.</param>
/// <param name="Heredocs">Documents for the shell; not expanded, whatever their quotes.</param>
public sealed record RunInstruction(InstructionOrigin Origin, CommandLine Command, IReadOnlyList<Heredoc> Heredocs)
    : Instruction(Origin)
{
    /// <summary>What is mounted while it runs; variables not replaced.</summary>
    public IReadOnlyList<RunMount> Mounts { get; init; } = [];

    /// <summary><c>default</c>, <c>none</c> or <c>host</c>; null: what the build asks for.</summary>
    public string? Network { get; init; }

    /// <summary><c>sandbox</c> or <c>insecure</c>.</summary>
    public string? Security { get; init; }

    internal static Instruction? Read(InstructionReader reader)
    {
        IReadOnlyList<RunMount> mounts = [.. reader.Flags("mount").Select(text => RunMount.Read(text, reader)).OfType<RunMount>()];
        string? network = reader.Flag("network");
        string? security = reader.Flag("security");
        if (network is not (null or "default" or "none" or "host"))
            return reader.Fail($"unsupported network mode \"{network}\"{Spelling.Suggest(network, ["default", "none", "host"])}");
        if (security is not (null or "sandbox" or "insecure"))
            return reader.Fail($"security {security} is not valid{Spelling.Suggest(security, ["sandbox", "insecure"])}");
        CommandLine command = reader.Command();
        if (command.Words.Count == 0)
            return reader.Fail("RUN requires at least one argument");
        return new RunInstruction(reader.Origin, command, reader.Line.Heredocs)
        {
            Mounts = mounts,
            Network = network,
            Security = security,
        };
    }
}
