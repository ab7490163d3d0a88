namespace Berth.Registry.Storage;

/// <summary>What a storage holds under a location.</summary>
/// <param name="Location">Where.</param>
/// <param name="Bytes">How much.</param>
public sealed record StoredBlob(string Location, long Bytes);
