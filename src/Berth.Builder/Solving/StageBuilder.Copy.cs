using System.Text;
using Berth.Builder.Cache;
using Berth.Builder.Files;
using Berth.Dockerfile;
using Berth.Dockerfile.Expansion;
using Berth.Dockerfile.Ignore;
using Berth.Dockerfile.Instructions;
using Berth.Faults;
using Berth.Layers;
using Berth.Layers.Trees;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Builder.Solving;

// COPY and ADD.
internal sealed partial class StageBuilder
{
    private async Task CopyAsync(FileInstruction copy, CancellationToken cancellationToken)
    {
        string destination = PathText.JoinDestination(_state.WorkingDirectory, Expand(copy.Destination));
        string? chown = copy.Chown is null ? null : Expand(copy.Chown);
        ModeChange? mode = copy.Chmod is null ? null : ModeChange.Parse(Expand(copy.Chmod));
        IReadOnlyList<string> words = [.. copy.Sources.Select(Expand)];
        string? from = (copy as CopyInstruction)?.From;
        using ISourceTree? other = from is null ? null
            : session.OpenTree((await session.TreeOfAsync(stage, from, cancellationToken).ConfigureAwait(false)).Directories);
        ISourceTree tree = other ?? session.Context;
        using TemporaryDirectory downloads = new(session.Services.StepsDirectory);
        List<CopySource> sources = await SelectAsync(copy, words, tree, downloads.Path, cancellationToken).ConfigureAwait(false);
        if (sources.Count > 1 && !destination.EndsWith('/') && destination != "/")
            throw FaultException.Invalid(
                $"When using {copy.Name} with more than one source file, the destination must be a directory and end with a /");
        tree.HashContents(sources.Select(source => source.Node).OfType<SourceNode>(), cancellationToken);

        using KeyBuilder key = new("copy");
        key.Add(_state.Chain?.ToString()).Add(destination).Add(chown).Add(
            copy.Chmod is null ? null : Expand(copy.Chmod)).Number(copy.Link ? 1 : 0);
        foreach (CopySource source in sources)
            AddToKey(key, source);
        await MakeLayerAsync(key.Finish(), CopyHistory(copy, words, destination, chown), async (_, layer) =>
            await WriteAsync(layer, copy, sources, tree, destination, chown, mode, cancellationToken).ConfigureAwait(false),
            cancellationToken).ConfigureAwait(false);
    }

    private static void AddToKey(KeyBuilder key, CopySource source)
    {
        key.Add(source.Name).Add(source.Parents).Number(source.Unpack ? 1 : 0);
        if (source.Node is { } node)
            key.Add(node);
        else
            key.Add(source.Content ?? []).Add(source.Download?.Hash.ToString());
    }

    private string CopyHistory(FileInstruction copy, IReadOnlyList<string> words, string destination, string? chown)
    {
        StringBuilder text = new(copy.Name);
        if (chown is not null)
            text.Append(" --chown=").Append(chown);
        if (copy.Chmod is not null)
            text.Append(" --chmod=").Append(Expand(copy.Chmod));
        foreach (string word in words.Concat(copy.Heredocs.Select(heredoc => heredoc.Word)))
            text.Append(' ').Append(UrlText.Redact(word));
        return text.Append(' ').Append(destination).Append(" # buildkit").ToString();
    }

    private async Task<List<CopySource>> SelectAsync(
        FileInstruction copy, IReadOnlyList<string> words, ISourceTree tree, string downloads, CancellationToken cancellationToken)
    {
        List<CopySource> sources = [.. copy.Heredocs.Select(MakeHeredoc)];
        IgnoreFile exclude = copy.Excludes.Count == 0 ? IgnoreFile.Empty : IgnoreFile.Of(copy.Excludes.Select(Expand));
        AddInstruction? add = copy as AddInstruction;
        foreach (string word in words)
        {
            if (add is not null && UrlText.IsUrl(word))
                sources.Add(await FetchAsync(add, word, downloads, cancellationToken).ConfigureAwait(false));
            else if (add is not null && UrlText.IsGit(word))
                throw new FaultException(FaultKind.NotSupported,
                    $"ADD {UrlText.Redact(word)}: Git repositories are not fetched by this builder; RUN git clone does it");
            else
                Select(copy, word, tree, exclude, sources);
        }
        return sources;
    }

    private CopySource MakeHeredoc(Heredoc heredoc)
    {
        string text = heredoc.Expand
            ? new WordExpander(session.File.Directives.Escape) { IgnoreQuotes = true }.Expand(heredoc.Content, _state.Lookup)
            : heredoc.Content;
        return new CopySource(Path.GetFileName(heredoc.Name), null) { Content = Encoding.UTF8.GetBytes(text) };
    }

    private static void Select(FileInstruction copy, string word, ISourceTree tree, IgnoreFile exclude, List<CopySource> sources)
    {
        bool parents = copy is CopyInstruction { Parents: true };
        (string pivot, string rest) = parents && word.IndexOf("/./", StringComparison.Ordinal) is >= 0 and var at
            ? (word[..at], word[(at + 3)..]) : ("", word);
        string path = PathText.Join(pivot, rest)[1..];
        List<string> matches = PathPattern.HasWildcards(path) ? tree.Match(PathPattern.Parse(path)) : [path];
        int before = sources.Count;
        foreach (string match in matches)
        {
            if (!exclude.IsEmpty && exclude.IsIgnored(match))
                continue;
            if (tree.Read(match, exclude) is not { } node)
                continue;
            string prefix = pivot.Length == 0 ? "" : PathText.Join("", pivot)[1..] + "/";
            string kept = match.StartsWith(prefix, StringComparison.Ordinal) ? match[prefix.Length..] : match;
            sources.Add(new CopySource(Path.GetFileName(match), node)
            {
                Parents = !parents ? "" : node.Status.IsDirectory ? kept : Path.GetDirectoryName(kept) ?? "",
                Unpack = copy is AddInstruction { Unpack: not false } && node.Status.IsRegular && Archives.IsArchive(tree, node),
            });
        }
        if (sources.Count == before && exclude.IsEmpty)
            throw FaultException.Invalid(PathPattern.HasWildcards(path)
                ? $"{copy.Name} failed: no source files were specified"
                : $"{copy.Name} failed: file not found in build context or excluded by .dockerignore: stat {path}: file does not exist");
    }

    private async Task<CopySource> FetchAsync(AddInstruction add, string url, string directory, CancellationToken cancellationToken)
    {
        string? checksum = add.Checksum is null ? null : Expand(add.Checksum);
        string name = UrlText.FileName(url);
        string destination = Expand(add.Destination);
        if (name.Length == 0 && destination.EndsWith('/'))
            throw FaultException.Invalid($"cannot determine filename for source {UrlText.Redact(url)}");
        Download file =
            await UrlFetcher.FetchAsync(session.Services.Http, url, checksum, directory, cancellationToken).ConfigureAwait(false);
        return new CopySource(name, null) { Download = file, Unpack = add.Unpack == true };
    }

    private async Task WriteAsync(
        WritableLayer layer, FileInstruction copy, List<CopySource> sources, ISourceTree tree, string destination, string? chown,
        ModeChange? mode, CancellationToken cancellationToken)
    {
        using TargetTree target = TargetTree.Open(layer, copy.Link);
        using TargetTree? names = copy.Link ? TargetTree.Open(layer, alone: false) : null;
        Owner owner = chown is null ? default : OwnerLookup.Find(names ?? target, chown);
        SourceTree? files = sources.Any(source => source.Node is not null) ? await tree.FilesAsync().ConfigureAwait(false) : null;
        SourceCopier copier = new(files, owner, mode, cancellationToken);
        foreach (CopySource source in sources)
        {
            string place = source.Parents.Length > 0 ? PathText.Join(destination, source.Parents) + "/" : destination;
            if (source.Unpack)
                await UnpackAsync(source, tree, target, place, owner, cancellationToken).ConfigureAwait(false);
            else if (source.IsDirectory)
                CopyDirectory(copier, source.Node!, target, place, owner);
            else
                CopyFile(copier, source, target, place, owner, mode);
        }
    }

    private static void CopyDirectory(SourceCopier copier, SourceNode node, TargetTree target, string destination, Owner owner)
    {
        using FileDescriptor directory = target.MakeDirectories(destination, 0x1ED, owner, out bool made);
        copier.CopyContents(node, directory, takeMetadata: made && !destination.EndsWith('/'));
    }

    private static void CopyFile(
        SourceCopier copier, CopySource source, TargetTree target, string destination, Owner owner, ModeChange? mode)
    {
        bool into = destination.EndsWith('/') || (target.Status(destination) is { IsDirectory: true });
        string path = into ? destination : destination[..(destination.LastIndexOf('/') + 1)];
        string name = into ? source.Name : destination[(destination.LastIndexOf('/') + 1)..];
        using FileDescriptor directory = target.MakeDirectories(path, 0x1ED, owner, out bool _);
        byte[] entry = FileCalls.PathOf(name);
        if (source.Node is { } node)
            copier.Copy(node, directory, entry);
        else if (source.Content is { } content)
            copier.WriteFile(content, mode?.Apply(0x1A4, isDirectory: false) ?? 0x1A4, null, directory, entry);
        else
            copier.WriteFile(File.ReadAllBytes(source.Download!.Path), mode?.Apply(0x180, isDirectory: false) ?? 0x180,
                source.Download.Modified, directory, entry);
    }

    private static async Task UnpackAsync(
        CopySource source, ISourceTree tree, TargetTree target, string destination, Owner owner, CancellationToken cancellationToken)
    {
        using FileDescriptor directory = target.MakeDirectories(destination, 0x1ED, owner, out bool _);
        await using Stream file = source.Node is { } node ? tree.OpenRead(node) : File.OpenRead(source.Download!.Path);
        byte[] head = new byte[Compression.HeadBytes];
        int count = await file.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        await using Stream plain = Compression.Open(new PrefixedStream(head[..count], file), head.AsSpan(0, count));
        await TreeExtractor.ExtractAsync(plain, directory, new ExtractOptions { Whiteouts = WhiteoutMode.Literal }, cancellationToken)
            .ConfigureAwait(false);
    }
}

/// <summary>A directory that is gone when it is disposed.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    public TemporaryDirectory(string parent)
    {
        Path = System.IO.Path.Combine(parent, "download-" + Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(Path);
    }

    public string Path { get; }

    public void Dispose() => TreeRemover.Remove(Path);
}
