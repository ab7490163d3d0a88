using Berth.Engine;
using Berth.Oci.Images;
using ImageSummary = Berth.Engine.ImageSummary;

namespace Berth.Daemon.Mapping;

/// <summary>Images as clients see them.</summary>
internal static class ImageViews
{
    private const string NoTag = "<none>:<none>";
    private const string NoDigest = "<none>@<none>";
    private static readonly Wire.ApiVersion s_withEmptyNames = new(1, 43);
    private static readonly Wire.ApiVersion s_withoutVirtualSize = new(1, 44);
    private static readonly Wire.ApiVersion s_withoutLegacyConfig = new(1, 50);
    private static readonly Wire.ApiVersion s_withoutContainerConfig = new(1, 45);
    private static readonly Wire.ApiVersion s_withDescriptor = new(1, 48);
    private static readonly Wire.ApiVersion s_withManifests = new(1, 47);
    private static readonly Wire.ApiVersion s_withManifestsOfOne = new(1, 48);

    /// <summary>One line of a list, with its manifests where they were asked for.</summary>
    public static Wire.ImageSummary ToWire(this ImageSummary image, Wire.ApiVersion version) => new()
    {
        Containers = image.Containers,
        Created = image.Created.ToUnixTimeSeconds(),
        Id = image.Id.ToString(),
        Labels = image.Labels,
        ParentId = image.ParentId?.ToString() ?? "",
        // Before 1.43 a list was never empty.
        RepoDigests = image.RepoDigests.Count + image.RepoTags.Count == 0 && version < s_withEmptyNames
            ? [NoDigest] : image.RepoDigests,
        RepoTags = image.RepoTags.Count == 0 && version < s_withEmptyNames ? [NoTag] : image.RepoTags,
        SharedSize = image.SharedSize,
        Size = image.Size,
        VirtualSize = version < s_withoutVirtualSize ? image.Size : null,
        Descriptor = version >= s_withDescriptor ? image.Manifest?.Descriptor.ToWire() : null,
        Manifests = version >= s_withManifests ? Manifests(image) : null,
    };

    /// <summary>The answer of <c>inspect</c>.</summary>
    /// <param name="image">The image.</param>
    /// <param name="version">The version the client speaks.</param>
    /// <param name="manifests">The client wants the manifest it came with.</param>
    public static Wire.ImageInspect ToWire(this ImageDetails image, Wire.ApiVersion version, bool manifests) => new()
    {
        Id = image.Summary.Id.ToString(),
        RepoTags = image.Summary.RepoTags,
        RepoDigests = image.Summary.RepoDigests,
        Parent = image.Summary.ParentId?.ToString() ?? "",
        Comment = image.Comment,
        Created = image.Config.Created is { } created ? Wire.GoTimeConverter.Format(created) : null,
        ContainerConfig = version < s_withoutContainerConfig ? new Wire.ContainerConfig() : null,
        Author = image.Config.Author ?? "",
        Config = ToWire(image.Config.Config ?? new ExecutionConfig(), version),
        Architecture = image.Config.Architecture,
        Variant = image.Config.Variant,
        Os = image.Config.Os,
        Size = image.Summary.Size,
        VirtualSize = version < s_withoutVirtualSize ? image.Summary.Size : null,
        GraphDriver = new Wire.DriverData
        {
            Name = image.GraphDriver.Count > 0 ? "overlay2" : "vfs",
            Data = image.GraphDriver,
        },
        RootFS = new Wire.ImageRootFs
        {
            Type = "layers",
            Layers = [.. image.Config.RootFs.DiffIds.Select(digest => digest.ToString())],
        },
        Metadata = new Wire.ImageMetadata { LastTagTime = image.LastTagTime ?? default },
        Descriptor = version >= s_withDescriptor ? image.Summary.Manifest?.Descriptor.ToWire() : null,
        Manifests = manifests && version >= s_withManifestsOfOne ? Manifests(image.Summary) : null,
    };

    // The engine keeps the one platform it was asked for, so there is one.
    private static Wire.ImageManifest[]? Manifests(ImageSummary image) => image.Manifest is not { } manifest ? null :
    [
        new Wire.ImageManifest
        {
            ID = manifest.Descriptor.Digest.ToString(),
            Descriptor = manifest.Descriptor.ToWire(),
            Available = manifest.IsAvailable,
            Size = new Wire.ImageManifestSize { Content = manifest.ContentSize, Total = manifest.ContentSize + image.Size },
            Kind = "image",
            ImageData = new Wire.ImageManifestData
            {
                Platform = manifest.Platform.ToWire(),
                Containers = manifest.Containers,
                Size = new Wire.ImageUnpackedSize { Unpacked = image.Size },
            },
        },
    ];

    /// <summary>A descriptor.</summary>
    public static Wire.ImageDescriptor ToWire(this Descriptor descriptor) => new()
    {
        MediaType = descriptor.MediaType,
        Digest = descriptor.Digest.ToString(),
        Size = descriptor.Size,
        Urls = descriptor.Urls,
        Annotations = descriptor.Annotations,
        Platform = descriptor.Platform is { } platform ? platform.ToWire() : null,
        ArtifactType = descriptor.ArtifactType,
    };

    /// <summary>A platform.</summary>
    public static Wire.ImagePlatform ToWire(this Platform platform) => new()
    {
        Architecture = platform.Architecture,
        Os = platform.Os,
        OsVersion = platform.OsVersion,
        OsFeatures = platform.OsFeatures,
        Variant = platform.Variant,
    };

    /// <summary>One step of a history.</summary>
    public static Wire.ImageHistoryItem ToWire(this ImageHistoryEntry step) => new()
    {
        Comment = step.Comment,
        Created = step.Created?.ToUnixTimeSeconds() ?? 0,
        CreatedBy = step.CreatedBy,
        Id = step.Id?.ToString() ?? "<missing>",
        Size = step.Size,
        Tags = step.Tags.Count > 0 ? step.Tags : null,
    };

    /// <summary>What a removal did.</summary>
    public static Wire.ImageDeleteItem ToWire(this ImageDeletion deletion) =>
        new() { Deleted = deletion.Deleted, Untagged = deletion.Untagged };

    private static Wire.ImageConfig ToWire(ExecutionConfig config, Wire.ApiVersion version)
    {
        bool legacy = version < s_withoutLegacyConfig;
        return new Wire.ImageConfig
        {
            Hostname = legacy ? "" : null,
            Domainname = legacy ? "" : null,
            User = legacy ? config.User ?? "" : config.User.NullIfEmpty(),
            AttachStdin = legacy ? false : null,
            AttachStdout = legacy ? false : null,
            AttachStderr = legacy ? false : null,
            Tty = legacy ? false : null,
            OpenStdin = legacy ? false : null,
            StdinOnce = legacy ? false : null,
            Image = legacy ? "" : null,
            ExposedPorts = config.ExposedPorts?.Keys.ToSet(),
            Env = config.Env,
            Cmd = config.Cmd,
            Healthcheck = config.Healthcheck?.ToWire(),
            ArgsEscaped = config.ArgsEscaped,
            Volumes = config.Volumes?.Keys.ToSet(),
            WorkingDir = legacy ? config.WorkingDir ?? "" : config.WorkingDir.NullIfEmpty(),
            Entrypoint = config.Entrypoint,
            OnBuild = config.OnBuild,
            Labels = config.Labels,
            StopSignal = config.StopSignal.NullIfEmpty(),
            Shell = config.Shell,
        };
    }
}
