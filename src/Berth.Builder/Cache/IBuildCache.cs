using Berth.Oci;

namespace Berth.Builder.Cache;

/// <summary>Remembers what steps made, by a key of all that matters for them. Safe for concurrent use; survives a crash.</summary>
/// <remarks>Only what was built here is ever recorded: an image that was pulled cannot pretend to be a step's result.</remarks>
public interface IBuildCache
{
    /// <summary>A step's record, its last use set to now; null when there is none.</summary>
    CacheRecord? Find(Digest key);

    /// <summary>Records what a step made, replacing an earlier record of the same key.</summary>
    void Store(CacheRecord record);

    /// <summary>Every record.</summary>
    IReadOnlyList<CacheRecord> List();

    /// <summary>Forgets a record; false when there was none. Its layer is the caller's to remove where nothing else stands on it.</summary>
    bool Remove(Digest key);
}

/// <summary>What one step made.</summary>
/// <param name="Key">The digest of all that matters for the step.</param>
/// <param name="Chain">The chain after it; null when it made no layer (or the chain is empty).</param>
/// <param name="DiffId">The layer; null when it made none.</param>
/// <param name="Size">Bytes of the layer's files.</param>
/// <param name="Created">When it was made; part of the image, so that an unchanged build gives the same image.</param>
/// <param name="LastUsed">When a build last took it.</param>
/// <param name="UseCount">How many builds took it.</param>
/// <param name="Description">The step, as history shows it.</param>
/// <param name="Parent">The chain it stands on.</param>
public sealed record CacheRecord(
    Digest Key, ChainId? Chain, DiffId? DiffId, long Size, DateTimeOffset Created, DateTimeOffset LastUsed, int UseCount,
    string Description, ChainId? Parent);
