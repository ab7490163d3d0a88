using Berth.Distribution;
using Berth.Engine.State;
using Berth.Faults;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.References;

namespace Berth.Engine;

/// <inheritdoc cref="IImages"/>
/// <remarks>One file per group of verbs beside this one.</remarks>
internal sealed partial class ImageService(
    EngineParts parts, ImageTable images, ImageCollector collector, LayerBlobs layerBlobs, IImageDistribution distribution) : IImages
{
    private static readonly string[] s_filters = ["before", "dangling", "label", "label!", "reference", "since", "until"];

    public Task<IReadOnlyList<ImageSummary>> ListAsync(ImageQuery query, CancellationToken cancellationToken)
    {
        query.Filters.Allow(s_filters);
        FilterSet filters = query.Filters;
        bool? dangling = filters.Flag("dangling");
        DateTimeOffset? before = filters["before"] is [string later, ..] ? Created(images.Find(later)) : null;
        DateTimeOffset? since = filters["since"] is [string earlier, ..] ? Created(images.Find(earlier)) : null;
        DateTimeOffset? until = filters["until"] is [string text, ..] ? TimeText.Parse(text, parts.Time) : null;
        List<ImageSummary> all = [];
        HashSet<Digest> parents = query.All ? [] : [.. images.All.Select(image => image.Parent)];
        foreach (ImageRecord image in images.All)
        {
            // An image that only others stand on is a step on the way, unless somebody named it.
            if (parents.Contains(image.Id) && images.NamesOf(image.Id).Count == 0)
                continue;
            ImageSummary summary = Summarize(image, filters["reference"], query.Manifests);
            bool isDangling = summary.RepoTags.Count == 0 && !filters.Has("reference");
            if ((!filters.Has("reference") || summary.RepoTags.Count + summary.RepoDigests.Count > 0)
                && (dangling is null || dangling == isDangling) && filters.MatchesLabels(summary.Labels)
                && !(summary.Created >= before) && !(summary.Created <= since) && !(summary.Created >= until))
                all.Add(summary);
        }
        IReadOnlyList<ImageSummary> result =
            [.. all.OrderByDescending(image => image.Created).ThenBy(image => image.Id.ToString(), StringComparer.Ordinal)];
        return Task.FromResult(query.SharedSize ? WithSharedSizes(result) : result);
    }

    public ImageDetails Inspect(string name, Platform? platform)
    {
        ImageRecord image = images.Find(name);
        ImageConfig config = images.Config(image.Id);
        if (platform is not null && !platform.Accepts(config.Platform))
            throw FaultException.NotFound(
                $"image with reference {name} was found but its platform ({config.Platform}) does not match the specified platform ({platform})");
        IReadOnlyList<string> directories = image.Top is { } top ? parts.Layers.Find(top)?.Directories ?? [] : [];
        return new ImageDetails
        {
            Summary = Summarize(image, [], withManifest: true),
            Config = config,
            LastTagTime = image.LastTagTime,
            Comment = config.History is [.., { Comment: { } comment }] ? comment : "",
            GraphDriver = directories.Count == 0 ? new Dictionary<string, string>() : new Dictionary<string, string>
            {
                ["UpperDir"] = directories[0], ["LowerDir"] = string.Join(':', directories.Skip(1)),
            },
        };
    }

    public IReadOnlyList<ImageHistoryEntry> History(string name, Platform? platform)
    {
        ImageRecord image = images.Find(name);
        ImageConfig config = images.Config(image.Id);
        Queue<ChainId> chains = new(ImageTable.Chains(config));
        List<ImageHistoryEntry> entries = [];
        foreach (HistoryEntry step in config.History ?? [])
        {
            long size = !step.EmptyLayer && chains.TryDequeue(out ChainId chain) ? parts.Layers.Find(chain)?.Size ?? 0 : 0;
            entries.Add(new ImageHistoryEntry(null, step.Created, step.CreatedBy ?? "", [], size, step.Comment ?? ""));
        }
        entries.Reverse();
        if (entries.Count == 0)
            entries.Add(new ImageHistoryEntry(null, config.Created, "", [], images.SizeOf(config), ""));
        entries[0] = entries[0] with { Id = image.Id, Tags = Summarize(image, []).RepoTags };
        return entries;
    }

    public Task TagAsync(string name, ImageReference target, CancellationToken cancellationToken)
    {
        ImageRecord image = images.Find(name);
        if (target.Digest is not null)
            throw FaultException.Invalid("refusing to create a tag with a digest reference");
        ImageReference tag = target.WithDefaultTag();
        images.Store(image, [tag]);
        Publish("tag", image.Id.ToString(), tag.Familiar);
        return Task.CompletedTask;
    }

    internal ImageSummary Summarize(ImageRecord image, IReadOnlyList<string> patterns, bool withManifest = false)
    {
        ImageConfig config = images.Config(image.Id);
        IReadOnlyList<ImageReference> names =
            [.. images.NamesOf(image.Id).Where(name => patterns.Count == 0 || patterns.Any(p => ReferencePattern.Matches(p, name)))];
        string[] containers =
            [.. parts.Containers.All.Where(container => container.Record.ImageId == image.Id).Select(static container => container.Id)];
        return new ImageSummary
        {
            Id = image.Id,
            ParentId = image.Parent.IsEmpty ? null : image.Parent,
            RepoTags = [.. names.Where(name => name.Tag is not null).Select(name => name.Familiar)],
            RepoDigests = [.. names.Where(name => name.Digest is not null).Select(name => name.Familiar)],
            Created = config.Created ?? DateTimeOffset.UnixEpoch,
            Size = images.SizeOf(config),
            Containers = containers.Length,
            Labels = config.Config?.Labels,
            Manifest = withManifest && image.Manifest is { } manifest ? ManifestOf(image, manifest, config, containers) : null,
        };
    }

    private ImageManifest ManifestOf(ImageRecord image, Descriptor manifest, ImageConfig config, string[] containers)
    {
        Digest[] blobs = [manifest.Digest, image.Id, .. image.Layers.Select(static layer => layer.Digest).Distinct()];
        long[] sizes = [.. blobs.Select(blob => parts.Blobs.SizeOf(blob) ?? -1)];
        return new ImageManifest
        {
            Descriptor = manifest,
            Platform = config.Platform,
            IsAvailable = !sizes.Contains(-1),
            ContentSize = sizes.Where(static size => size > 0).Sum(),
            Containers = containers,
        };
    }

    internal IReadOnlyList<ImageSummary> WithSharedSizes(IReadOnlyList<ImageSummary> all)
    {
        Dictionary<ChainId, int> users = [];
        foreach (ImageRecord image in images.All)
            foreach (ChainId chain in ImageTable.Chains(images.Config(image.Id)))
                users[chain] = users.GetValueOrDefault(chain) + 1;
        return [.. all.Select(image => image with
        {
            SharedSize = ImageTable.Chains(images.Config(image.Id)).Where(chain => users[chain] > 1).Sum(
                chain => parts.Layers.Find(chain)?.Size ?? 0),
        })];
    }

    private DateTimeOffset Created(ImageRecord image) => images.Config(image.Id).Created ?? DateTimeOffset.UnixEpoch;

    private void Publish(string action, string id, string name)
    {
        Dictionary<string, string> attributes = Digest.TryParse(id, out Digest digest) && images.TryGet(digest) is not null
            ? new(images.Config(digest).Config?.Labels ?? new Dictionary<string, string>()) : [];
        attributes["name"] = name;
        parts.Events.Publish("image", action, id, attributes);
    }
}
