using System.Text.Json.Serialization;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.Json;

namespace Berth.Engine.State;

/// <summary>The kinds of documents in the state.</summary>
internal static class Kinds
{
    public const string Container = "container";
    public const string Image = "image";
    public const string Name = "name";
    public const string Volume = "volume";
    public const string LayerBlob = "layer-blob";
    public const string Engine = "engine";
}

/// <summary>A container on disk.</summary>
internal sealed record ContainerRecord
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required DateTimeOffset Created { get; init; }
    public Digest ImageId { get; init; }
    public Digest Chain { get; init; }
    public string Os { get; init; } = "linux";
    public required ContainerSettings Config { get; init; }
    public required HostSettings Host { get; init; }
    public IReadOnlyDictionary<string, EndpointSettings> Networks { get; init; } = new Dictionary<string, EndpointSettings>();
    public IReadOnlyList<MountRecord> Mounts { get; init; } = [];

    /// <summary>The ids of its user namespace; null: it has none of its own.</summary>
    public UserMaps? UserMaps { get; init; }

    public ContainerState State { get; init; } = new();
    public int RestartCount { get; init; }

    /// <summary>A user stopped it: <c>unless-stopped</c> leaves it alone when the engine starts.</summary>
    public bool StoppedByUser { get; init; }

    /// <summary>What the network gave while it runs.</summary>
    public IReadOnlyList<Network.Endpoint> Endpoints { get; init; } = [];

    [JsonIgnore]
    public ChainId? Parent => Chain.IsEmpty ? null : new ChainId(Chain);

    [JsonIgnore]
    public string Path => Program is [string first, ..] ? first : "";

    [JsonIgnore]
    public IReadOnlyList<string> Arguments => [.. Program.Skip(1)];

    [JsonIgnore]
    public IReadOnlyList<string> Program => [.. Config.Entrypoint ?? [], .. Config.Cmd ?? []];
}

/// <summary>A mount of a container as it was resolved at creation.</summary>
internal sealed record MountRecord
{
    public required MountPoint Point { get; init; }
    public bool NonRecursive { get; init; }

    /// <summary>Where it is read-only, what is mounted below it stays as it is.</summary>
    public bool ReadOnlyNonRecursive { get; init; }

    /// <summary>Where it is read-only, all below it must be, or it is not mounted.</summary>
    public bool ReadOnlyForceRecursive { get; init; }

    public string Subpath { get; init; } = "";

    /// <summary>Options of a tmpfs.</summary>
    public IReadOnlyList<string> Options { get; init; } = [];

    /// <summary>The volume was made for this container and goes with it when asked.</summary>
    public bool Anonymous { get; init; }

    /// <summary>From <c>--tmpfs</c>, which inspect does not list among mounts.</summary>
    public bool Hidden { get; init; }
}

/// <summary>An image on disk, by its ID.</summary>
internal sealed record ImageRecord
{
    public required Digest Id { get; init; }
    public Digest Chain { get; init; }
    public Digest Parent { get; init; }
    public required DateTimeOffset Arrived { get; init; }
    public DateTimeOffset? LastTagTime { get; init; }

    /// <summary>The manifest it came with, when it came with one.</summary>
    public Descriptor? Manifest { get; init; }

    /// <summary>Compressed layers it came with, bottom first.</summary>
    public IReadOnlyList<Descriptor> Layers { get; init; } = [];

    /// <summary>Further blobs to keep: the index it was found in.</summary>
    public IReadOnlyList<Digest> Others { get; init; } = [];

    [JsonIgnore]
    public ChainId? Top => Chain.IsEmpty ? null : new ChainId(Chain);
}

/// <summary>A name of an image: a tag or a repository digest, by its full reference.</summary>
internal sealed record NameRecord(Digest Image, DateTimeOffset Since);

/// <summary>The engine's own lasting facts.</summary>
internal sealed record EngineRecord(string Id);

[JsonSourceGenerationOptions(
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, IncludeFields = true, Converters = [typeof(DigestOrNoneConverter)])]
[JsonSerializable(typeof(ContainerRecord))]
[JsonSerializable(typeof(ImageRecord))]
[JsonSerializable(typeof(NameRecord))]
[JsonSerializable(typeof(EngineRecord))]
[JsonSerializable(typeof(VolumeDetails))]
[JsonSerializable(typeof(Descriptor))]
internal sealed partial class StateJson : JsonSerializerContext;

/// <summary>A digest that may be missing, which is an empty text.</summary>
internal sealed class DigestOrNoneConverter : JsonConverter<Digest>
{
    public override Digest Read(
        ref System.Text.Json.Utf8JsonReader reader, Type typeToConvert, System.Text.Json.JsonSerializerOptions options) =>
        reader.GetString() is { Length: > 0 } text ? Digest.Parse(text) : default;

    public override void Write(
        System.Text.Json.Utf8JsonWriter writer, Digest value, System.Text.Json.JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());
}
