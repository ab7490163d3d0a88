namespace Berth.Registry.Repositories;

/// <summary>What a namespace uses and may use.</summary>
/// <param name="BytesUsed">The distinct blobs of its repositories, and their manifests' documents.</param>
/// <param name="BytesMax">The most that pushes may make it; null: no limit.</param>
public sealed record Quota(long BytesUsed, long? BytesMax);
