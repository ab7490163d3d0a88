namespace Berth.Registry.Storage;

/// <summary>Something that a hub has put into a storage: a blob, or a piece of an upload.</summary>
/// <param name="Location">What <see cref="IBlobStorage.DeleteAsync"/> removes. A blob's is the one that its row names.</param>
/// <param name="UploadId">The upload that it belongs to, or by which it became a blob.</param>
/// <param name="State">What a listing tells without being asked for each; null: <see cref="IBlobStorage.LookAsync"/> asks.</param>
public readonly record struct StoredFile(string Location, string UploadId, StoredState? State = null);

/// <summary>How much something in a storage is.</summary>
/// <param name="Bytes">What its removal frees.</param>
/// <param name="ChangedAt">When it was last written to, by the storage's clock.</param>
public sealed record StoredState(long Bytes, DateTimeOffset ChangedAt);
