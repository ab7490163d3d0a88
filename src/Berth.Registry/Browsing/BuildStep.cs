namespace Berth.Registry.Browsing;

/// <summary>A step of an image's making, as its Dockerfile had it.</summary>
/// <param name="Instruction">The instruction in capitals: <c>RUN</c>; empty where the text does not begin with one.</param>
/// <param name="Arguments">What stands behind it.</param>
/// <param name="LayerDigest">The layer that it made; null when it made none.</param>
/// <param name="LayerBytes">That layer's compressed size in bytes; null: the layer is not here.</param>
public sealed record BuildStep(string Instruction, string Arguments, string? LayerDigest, long? LayerBytes)
{
    // What docker's builders write before and behind the instruction itself.
    private const string Shell = "/bin/sh -c ";
    private const string Nop = "#(nop) ";
    private const string BuildKit = " # buildkit";

    private static readonly HashSet<string> s_instructions = new(StringComparer.Ordinal)
    {
        "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER", "ONBUILD", "RUN", "SHELL",
        "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
    };

    /// <summary>Reads what a builder wrote into the history.</summary>
    public static (string Instruction, string Arguments) Read(string? createdBy)
    {
        string text = createdBy?.Trim() ?? "";
        if (text.EndsWith(BuildKit, StringComparison.Ordinal))
            text = text[..^BuildKit.Length].TrimEnd();
        // Build arguments stand before the shell: "|1 VERSION=2 /bin/sh -c make".
        if (text.StartsWith('|') && text.IndexOf(Shell, StringComparison.Ordinal) is > 0 and int shell)
            text = text[shell..];
        if (text.StartsWith(Shell, StringComparison.Ordinal))
        {
            text = text[Shell.Length..].TrimStart();
            if (!text.StartsWith(Nop, StringComparison.Ordinal))
                return ("RUN", text);
            text = text[Nop.Length..].TrimStart();
        }
        int space = text.IndexOfAny([' ', '\t']);
        string first = space < 0 ? text : text[..space];
        if (!s_instructions.Contains(first))
            return ("", text);
        string rest = space < 0 ? "" : text[space..].Trim();
        return (first, first == "RUN" && rest.StartsWith(Shell, StringComparison.Ordinal) ? rest[Shell.Length..].TrimStart() : rest);
    }

    /// <summary>Joins the steps of a configuration with the layers of its manifest, whose sizes the caller knows.</summary>
    /// <remarks>
    /// Steps that made a layer and layers come in the same order. Where their numbers differ the history cannot be believed, and the
    /// layers
    /// stand alone.
    /// </remarks>
    public static IReadOnlyList<BuildStep> Join(
        IReadOnlyList<Oci.Images.HistoryEntry>? history, IReadOnlyList<Oci.Images.Descriptor> layers,
        Func<Oci.Images.Descriptor, long?> bytesOf)
    {
        IReadOnlyList<Oci.Images.HistoryEntry> steps = history ?? [];
        if (steps.Count(step => !step.EmptyLayer) != layers.Count)
            return [.. layers.Select(layer => new BuildStep("", "", layer.Digest.ToString(), bytesOf(layer)))];
        List<BuildStep> joined = [];
        int next = 0;
        foreach (Oci.Images.HistoryEntry step in steps)
        {
            (string instruction, string arguments) = Read(step.CreatedBy ?? step.Comment);
            Oci.Images.Descriptor? layer = step.EmptyLayer ? null : layers[next++];
            joined.Add(new BuildStep(instruction, arguments, layer?.Digest.ToString(), layer is null ? 0 : bytesOf(layer)));
        }
        return joined;
    }
}
