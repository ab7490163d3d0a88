using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Berth.Cli.Manifests;
using Berth.Cli.Parsing;
using Berth.Cli.Text;
using Berth.Distribution;
using Berth.Faults;
using Berth.Oci;
using Berth.Oci.References;

namespace Berth.Cli.Commands;

/// <summary><c>manifest</c>: lists of images for several machines under one name, made here and kept at a registry. No engine is asked.
/// </summary>
internal static class ManifestCommands
{
    private const string Windows = "windows";

    public static async Task<int> InspectAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        ImageReference reference = Reference(parsed.Arguments[^1]);
        ManifestStore store = new(session.ConfigDirectory);
        bool verbose = parsed.Bool("verbose");
        if (parsed.Arguments.Count == 2)
        {
            ListedManifest entry = store.Find(Reference(parsed.Arguments[0]), reference)
                ?? throw new CommandException($"No such manifest: {reference}");
            PrintOne(session, entry, verbose);
            return 0;
        }
        if (store.All(reference) is { } local)
        {
            if (verbose)
                PrintAll(session, local);
            else
                session.PrintLine(Assembled(reference, local));
            return 0;
        }
        using ManifestSource source = new(session, reference, parsed.Bool("insecure"));
        ManifestDocument found = await source.GetAsync(reference, cancellationToken);
        if (!found.IsIndex)
            PrintOne(session, await source.DescribeAsync(reference, found, cancellationToken), verbose);
        else if (verbose)
            PrintAll(session, await source.ExpandAsync(reference, found, cancellationToken));
        else
            session.PrintLine(ManifestListText.Of(found));
        return 0;
    }

    public static async Task<int> CreateAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        ImageReference list = Reference(parsed.Arguments[0], $"error parsing name for manifest list {parsed.Arguments[0]}: ");
        ManifestStore store = new(session.ConfigDirectory);
        if (store.Has(list) && !parsed.Bool("amend"))
            throw new CommandException("refusing to amend an existing manifest list with no --amend flag");
        foreach (string text in parsed.Arguments.Skip(1))
        {
            ImageReference reference = Reference(text);
            ListedManifest? entry = store.Find(list, reference);
            if (entry is null)
            {
                using ManifestSource source = new(session, reference, parsed.Bool("insecure"));
                ManifestDocument found = await source.GetAsync(reference, cancellationToken);
                if (found.IsIndex)
                    throw new CommandException($"{reference} is a manifest list");
                entry = await source.DescribeAsync(reference, found, cancellationToken);
            }
            store.Save(list, reference, entry);
        }
        session.PrintLine($"Created manifest list {list}");
        return 0;
    }

    public static Task<int> AnnotateAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        (string listText, string imageText) = (parsed.Arguments[0], parsed.Arguments[1]);
        ImageReference list = Reference(listText, $"annotate: error parsing name for manifest list {listText}: ");
        ImageReference image = Reference(imageText, $"annotate: error parsing name for manifest {imageText}: ");
        ManifestStore store = new(session.ConfigDirectory);
        ListedManifest entry = store.Find(list, image)
            ?? throw new CommandException($"manifest for image {imageText} does not exist in {listText}");
        ManifestPlatform before = entry.Platform ?? new ManifestPlatform("", "");
        ManifestPlatform platform = new(Or("arch", before.Architecture), Or("os", before.Os))
        {
            OsVersion = Or("os-version", before.OsVersion),
            OsFeatures = [.. before.OsFeatures.Concat(parsed.List("os-features")).Distinct()],
            Variant = Or("variant", before.Variant),
        };
        if (!platform.IsKnown)
        {
            throw new CommandException(
                $"manifest entry for image has unsupported os/arch combination: {parsed.String("os")}/{parsed.String("arch")}");
        }
        store.Save(list, image, entry with { Platform = platform });
        return Task.FromResult(0);

        string Or(string flag, string other) => parsed.String(flag) is { Length: > 0 } given ? given : other;
    }

    public static async Task<int> PushAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        ImageReference list = Reference(parsed.Arguments[0]);
        ManifestStore store = new(session.ConfigDirectory);
        IReadOnlyList<ListedManifest> entries = store.All(list) ?? throw new CommandException($"No such manifest: {list}");
        if (entries.Count == 0)
            throw new CommandException($"{list} not found");
        if (entries.FirstOrDefault(static e => e.Platform is null or { Os: "" } or { Architecture: "" }) is { } nowhere)
            throw new CommandException($"manifest {nowhere.Reference} must have an OS and Architecture to be pushed to a registry");
        ManifestDocument document = ManifestListText.Document(ManifestListText.Of(list, entries));
        using ManifestSource target = new(session, list, parsed.Bool("insecure"));
        // Docker's order: all blobs first, then the manifests that need them, then the list that needs those.
        ListedManifest[] elsewhere = [.. entries.Where(e => e.Reference.Path != list.Path)];
        foreach (ListedManifest entry in elsewhere)
            await MountAsync(target, list, entry, cancellationToken);
        foreach (ListedManifest entry in elsewhere)
        {
            ImageReference pushed = list.WithDigest(entry.Document.Descriptor.Digest);
            if (Digest.Of(entry.Document.Bytes.Span) != entry.Document.Descriptor.Digest)
            {
                throw new CommandException($"push {entry.Reference}: its bytes are not kept here: remove the list with 'berth manifest rm "
                    + $"{list.Familiar}' and create it again");
            }
            await target.PutAsync(pushed, entry.Document, cancellationToken);
            session.PrintLine($"Pushed ref {pushed} with digest: {entry.Document.Descriptor.Digest}");
        }
        await target.PutAsync(list, document, cancellationToken);
        session.PrintLine(document.Descriptor.Digest.ToString());
        if (parsed.Bool("purge"))
            store.Remove(list);
        return 0;
    }

    public static Task<int> RemoveAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        ManifestStore store = new(session.ConfigDirectory);
        List<string> problems = [];
        foreach (string text in parsed.Arguments)
        {
            if (!ImageReference.TryParse(text, out ImageReference? list, out string? problem))
                problems.Add(problem);
            else if (!store.Has(list.WithDefaultTag()))
                problems.Add($"No such manifest: {list.WithDefaultTag()}");
            else
                store.Remove(list.WithDefaultTag());
        }
        return problems.Count == 0 ? Task.FromResult(0) : throw new CommandException(string.Join('\n', problems));
    }

    private static async Task MountAsync(
        ManifestSource target, ImageReference list, ListedManifest entry, CancellationToken cancellationToken)
    {
        foreach (Digest blob in entry.Blobs())
        {
            // Windows' base layers are at their maker's own registry: nobody else has to have them.
            if (!await target.MountAsync(list, blob, entry.Reference, cancellationToken) && entry.Platform?.Os != Windows)
            {
                throw new CommandException($"error mounting {entry.Reference.WithDigest(blob)} to {list}: the registry gives no blob from "
                    + $"one repository to another: push the image to {list.FamiliarName} first");
            }
        }
    }

    private static ImageReference Reference(string text, string attempt = "") =>
        ImageReference.TryParse(text, out ImageReference? reference, out string? problem)
            ? reference.WithDefaultTag() : throw new CommandException(attempt + problem);

    private static string Assembled(ImageReference list, IReadOnlyList<ListedManifest> entries)
    {
        try
        {
            return ManifestListText.Of(list, entries);
        }
        catch (CommandException e)
        {
            throw new CommandException($"failed to assemble ManifestDescriptor: {e.Message}");
        }
    }

    private static void PrintOne(Session session, ListedManifest entry, bool verbose) => session.PrintLine(JsonIndent.Apply(
        verbose ? entry.ToJson() : Encoding.UTF8.GetString(entry.Document.Bytes.Span), indent: "\t"));

    private static void PrintAll(Session session, IReadOnlyList<ListedManifest> entries) =>
        session.PrintLine(JsonIndent.Apply($"[{string.Join(',', entries.Select(static e => e.ToJson()))}]", indent: "\t"));
}
