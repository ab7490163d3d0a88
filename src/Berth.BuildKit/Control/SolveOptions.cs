using Berth.Oci.Images;
using Berth.Oci.References;

namespace Berth.BuildKit.Control;

/// <summary>A Dockerfile's build as a client of the Control service asks for it: the attributes of frontend <c>dockerfile.v0</c>, and
/// what exporter and cache add to them.</summary>
public sealed record SolveOptions
{
    /// <summary>The Dockerfile's name.</summary>
    public string Filename { get; init; } = "Dockerfile";

    /// <summary>The stage to build; null: the last.</summary>
    public string? Target { get; init; }

    /// <summary>Values of ARGs.</summary>
    public IReadOnlyDictionary<string, string?> BuildArguments { get; init; } = new Dictionary<string, string?>();

    /// <summary>Labels of the image.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>What to build for; null: this machine.</summary>
    public Platform? Platform { get; init; }

    /// <summary>Take nothing from the cache.</summary>
    public bool NoCache { get; init; }

    /// <summary>Stages that take nothing from the cache.</summary>
    public IReadOnlyList<string> NoCacheStages { get; init; } = [];

    /// <summary>Ask the registry for newer base images.</summary>
    public bool Pull { get; init; }

    /// <summary>Lines for <c>/etc/hosts</c> as <c>name:address</c>.</summary>
    public IReadOnlyList<string> ExtraHosts { get; init; } = [];

    /// <summary>The network of RUN: <c>default</c>, <c>none</c> or <c>host</c>.</summary>
    public string NetworkMode { get; init; } = "default";

    /// <summary>A <c>RUN --network=host</c> is obeyed.</summary>
    public bool AllowsHostNetwork { get; init; }

    /// <summary>Bytes of <c>/dev/shm</c>; 0: the default.</summary>
    public long ShmSizeBytes { get; init; }

    /// <summary>Limits by name: soft and hard.</summary>
    public IReadOnlyDictionary<string, (long Soft, long Hard)> Ulimits { get; init; } = new Dictionary<string, (long, long)>();

    /// <summary>The parent of the steps' cgroups; null: the engine's.</summary>
    public string? CgroupParent { get; init; }

    /// <summary>Where cache is to come from.</summary>
    public IReadOnlyList<string> CacheFrom { get; init; } = [];

    /// <summary>Images that stand for names in FROM and <c>--from</c>, by name (<c>--build-context name=docker-image://…</c>).</summary>
    public IReadOnlyDictionary<string, string> NamedImages { get; init; } = new Dictionary<string, string>();

    /// <summary>Names for the image.</summary>
    public IReadOnlyList<ImageReference> Tags { get; init; } = [];

    /// <summary>A context that neither the client's session nor an upload has: a URL; null.</summary>
    public string? Remote { get; init; }

    /// <summary>Where the client's upload has the context, as a path of its own; null: it is a directory.</summary>
    internal string? UploadPath { get; init; }

    /// <summary>The client's name for the directory of the context.</summary>
    internal string ContextName { get; init; } = "context";

    /// <summary>The client's name for the directory of the Dockerfile.</summary>
    internal string DefinitionName { get; init; } = "dockerfile";

    /// <summary>The sessions that have directories, by the directories' names, where it is not the build's own.</summary>
    internal IReadOnlyDictionary<string, string> Sessions { get; init; } = new Dictionary<string, string>();

    /// <summary>What was asked for and has no effect, as sentences for the client.</summary>
    internal IReadOnlyList<string> Doubts { get; init; } = [];
}
