using Berth.Engine.State;
using Berth.Faults;
using Berth.Layers;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.References;

namespace Berth.Engine;

internal sealed partial class ImageService
{
    public Task<IReadOnlyList<ImageDeletion>> RemoveAsync(string name, bool force, bool noPrune, CancellationToken cancellationToken)
    {
        ImageRecord image = images.FindByReference(name);
        IReadOnlyList<ImageReference> names = images.NamesOf(image.Id);
        ImageReference? reference = IsId(name, image) ? null
            : ImageReference.TryParse(name, out ImageReference? parsed, out _) ? parsed.WithDefaultTag() : null;
        List<ImageDeletion> deletions = [];
        if (reference is not null)
        {
            // The last tag takes the repository's digests with it.
            List<ImageReference> untagged = [.. names.Where(other => other == reference
                || (reference.Digest is not null && other.Digest == reference.Digest && other.Name == reference.Name))];
            List<ImageReference> left = [.. names.Except(untagged)];
            if (left.All(other => other.Name != reference.Name || other.Tag is null))
                untagged.AddRange(left.Where(other => other.Name == reference.Name));
            left = [.. names.Except(untagged)];
            if (left.Count == 0)
                CheckUnused(image, name, force, isUntag: true);
            if (left.Count > 0 || IsNeeded(image, force))
            {
                Untag(image, untagged, deletions);
                return Task.FromResult<IReadOnlyList<ImageDeletion>>(deletions);
            }
        }
        else
        {
            string[] repositories = [.. names.Select(other => other.Name).Distinct()];
            if (repositories.Length > 1 && !force)
                throw FaultException.Conflict(
                    $"conflict: unable to delete {image.Id.Short} (must be forced) - image is referenced in multiple repositories");
            if (images.All.Any(child => child.Parent == image.Id))
                throw FaultException.Conflict(
                    $"conflict: unable to delete {image.Id.Short} (cannot be forced) - image has dependent child images");
            CheckUnused(image, name, force, isUntag: false);
            if (IsNeeded(image, force))
            {
                Untag(image, names, deletions);
                return Task.FromResult<IReadOnlyList<ImageDeletion>>(deletions);
            }
        }
        Delete(image, names, deletions);
        if (!noPrune)
            DeleteLeftParents(image.Parent, deletions);
        return Task.FromResult<IReadOnlyList<ImageDeletion>>(deletions);
    }

    // Images without a name that only the removed one stood on go with it.
    private void DeleteLeftParents(Digest id, List<ImageDeletion> deletions)
    {
        while (!id.IsEmpty && images.TryGet(id) is { } parent && images.NamesOf(id).Count == 0 && UsedBy(parent) is null
            && images.All.All(other => other.Parent != parent.Id))
        {
            Delete(parent, [], deletions);
            id = parent.Parent;
        }
    }

    public Task<ImagePruneReport> PruneAsync(FilterSet filters, CancellationToken cancellationToken)
    {
        filters.Allow("dangling", "label", "label!", "until");
        bool onlyDangling = filters.Flag("dangling") ?? true;
        DateTimeOffset? until = filters["until"] is [string text, ..] ? TimeText.Parse(text, parts.Time) : null;
        List<ImageDeletion> deletions = [];
        long before = parts.Layers.List().Sum(layer => layer.Size);
        foreach (ImageRecord image in images.All)
        {
            IReadOnlyList<ImageReference> names = images.NamesOf(image.Id);
            if ((onlyDangling && names.Any(name => name.Tag is not null)) || UsedBy(image) is not null
                || (until is { } limit && Created(image) >= limit) || !filters.MatchesLabels(images.Config(image.Id).Config?.Labels))
                continue;
            Delete(image, names, deletions);
        }
        // Also what earlier engines left: layers and blobs of a pull that never came to its end.
        collector.CollectLayers();
        collector.CollectBlobs();
        long freed = Math.Max(0, before - parts.Layers.List().Sum(layer => layer.Size));
        parts.Events.Publish("image", "prune", "", new Dictionary<string, string> { ["reclaimed"] = freed.ToString() });
        return Task.FromResult(new ImagePruneReport(deletions, freed));
    }

    private static bool IsId(string text, ImageRecord image)
    {
        string hex = text.StartsWith("sha256:", StringComparison.Ordinal) ? text[7..] : text;
        return hex.Length > 0 && image.Id.Hex.StartsWith(hex, StringComparison.Ordinal);
    }

    // A stopped container keeps its layers without the image: who forces the removal takes the image from under it, as with Docker.
    private bool IsNeeded(ImageRecord image, bool force) => images.All.Any(child => child.Parent == image.Id)
        || parts.Containers.All.Any(container => IsUsedBy(image, container) && (!force || container.State.Running));

    private Container? UsedBy(ImageRecord image) => parts.Containers.All.FirstOrDefault(container => IsUsedBy(image, container));

    private static bool IsUsedBy(ImageRecord image, Container container) => container.Record.ImageId == image.Id
        || container.Record.Mounts.Any(mount => mount.Point.Type == "image" && mount.Point.Source == image.Id.ToString());

    private void CheckUnused(ImageRecord image, string name, bool force, bool isUntag)
    {
        Container[] users = [.. parts.Containers.All.Where(container => IsUsedBy(image, container))];
        if (users.FirstOrDefault(user => user.State.Running) is { } running && !(isUntag && force))
            throw FaultException.Conflict(isUntag
                ? $"conflict: unable to remove repository reference \"{name}\" (must force) - container {running.Id[..12]} is using its referenced image {image.Id.Short}"
                : $"conflict: unable to delete {image.Id.Short} (cannot be forced) - image is being used by running container {running.Id[..12]}");
        if (users.Length > 0 && !force)
            throw FaultException.Conflict(isUntag
                ? $"conflict: unable to remove repository reference \"{name}\" (must force) - container {users[0].Id[..12]} is using its referenced image {image.Id.Short}"
                : $"conflict: unable to delete {image.Id.Short} (must be forced) - image is being used by stopped container {users[0].Id[..12]}");
    }

    private void Untag(ImageRecord image, IReadOnlyList<ImageReference> names, List<ImageDeletion> deletions)
    {
        if (names.Count > 0)
            images.Untag(names);
        TellUntagged(image, names, deletions);
    }

    private void TellUntagged(ImageRecord image, IReadOnlyList<ImageReference> names, List<ImageDeletion> deletions)
    {
        foreach (ImageReference name in names.OrderBy(name => name.Digest is not null))
        {
            deletions.Add(new ImageDeletion(name.Familiar, null));
            Publish("untag", image.Id.ToString(), image.Id.ToString());
        }
    }

    // The image and its last names in one change: an engine that ends in between must not leave one without a name.
    private void Delete(ImageRecord image, IReadOnlyList<ImageReference> names, List<ImageDeletion> deletions)
    {
        ImageConfig config = images.Config(image.Id);
        if (!images.TryDelete(image.Id))
        {
            Untag(image, names, deletions);
            return;
        }
        TellUntagged(image, names, deletions);
        deletions.Add(new ImageDeletion(null, image.Id.ToString()));
        foreach (ChainId layer in collector.CollectLayersOf(config))
            deletions.Add(new ImageDeletion(null, layer.ToString()));
        collector.CollectBlobs();
        Publish("delete", image.Id.ToString(), image.Id.ToString());
    }
}
