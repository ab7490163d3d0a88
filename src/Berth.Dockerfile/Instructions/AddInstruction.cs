using Berth.Dockerfile.Parsing;

namespace Berth.Dockerfile.Instructions;

/// <summary><c>ADD</c>: as COPY, and archives are unpacked, URLs and Git repositories fetched.</summary>
/// <param name="Origin">Where it came from.</param>
/// <param name="Sources">Paths, patterns or URLs.</param>
/// <param name="Heredocs">Files whose content is in the Dockerfile.</param>
/// <param name="Destination">Where to.</param>
public sealed record AddInstruction(
    InstructionOrigin Origin, IReadOnlyList<string> Sources, IReadOnlyList<Heredoc> Heredocs, string Destination)
    : FileInstruction(Origin, Sources, Heredocs, Destination)
{
    /// <summary><c>--checksum</c>: the digest that a URL's bytes must have.</summary>
    public string? Checksum { get; init; }

    /// <summary><c>--keep-git-dir</c>.</summary>
    public bool KeepGitDirectory { get; init; }

    /// <summary><c>--unpack</c>: null unpacks local archives and not those of URLs.</summary>
    public bool? Unpack { get; init; }

    internal static Instruction? Read(InstructionReader reader)
    {
        string? chown = reader.Flag("chown");
        string? chmod = reader.Flag("chmod");
        string? checksum = reader.Flag("checksum");
        bool link = reader.BooleanFlag("link") ?? false;
        bool keepGit = reader.BooleanFlag("keep-git-dir") ?? false;
        bool? unpack = reader.BooleanFlag("unpack");
        IReadOnlyList<string> excludes = reader.Flags("exclude");
        return TrySplit(reader, out IReadOnlyList<string> sources, out IReadOnlyList<Heredoc> heredocs, out string destination)
            ? new AddInstruction(reader.Origin, sources, heredocs, destination)
            {
                Chown = chown, Chmod = chmod, Link = link, Excludes = excludes,
                Checksum = checksum, KeepGitDirectory = keepGit, Unpack = unpack,
            }
            : null;
    }
}
