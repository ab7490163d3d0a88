using System.Text.Json.Serialization;

namespace Berth.Layers.Stores;

/// <summary><c>layer.json</c>: what a layer's directory holds.</summary>
internal sealed record LayerRecord(string Chain, string? Parent, string DiffId, long Size, string Boot);

/// <summary><c>writable.json</c>: what a writable layer stands on, and the project that limits it.</summary>
internal sealed record WritableRecord(string? Parent, uint? Project = null);

[JsonSerializable(typeof(LayerRecord))]
[JsonSerializable(typeof(WritableRecord))]
internal sealed partial class LayerJson : JsonSerializerContext;
