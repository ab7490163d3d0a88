using Berth.Oci;

namespace Berth.Registry.Browsing;

/// <summary>Reads configurations of images out of the storage.</summary>
public interface ISmallBlobs
{
    /// <summary>A blob of a repository, whole; null when the repository has none of that digest or it is larger than the limit.</summary>
    /// <param name="repositoryId">The repository: a digest alone never opens another one's blob.</param>
    /// <param name="digest">The blob.</param>
    /// <param name="bytesMax">The largest that is read.</param>
    /// <param name="cancellationToken">Gives up.</param>
    Task<byte[]?> TryReadAsync(long repositoryId, Digest digest, int bytesMax, CancellationToken cancellationToken);
}
