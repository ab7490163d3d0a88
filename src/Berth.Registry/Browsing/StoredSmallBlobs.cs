using System.IO.Pipelines;
using Berth.Oci;
using Berth.Registry.Database;
using Berth.Registry.Storage;

namespace Berth.Registry.Browsing;

/// <summary>Small blobs out of the hub's storage.</summary>
internal sealed class StoredSmallBlobs(HubDatabase database, IBlobStorage storage) : ISmallBlobs
{
    public async Task<byte[]?> TryReadAsync(long repositoryId, Digest digest, int bytesMax, CancellationToken cancellationToken)
    {
        string? location = await database.ReadAsync(
            (transaction, token) => transaction.TextAsync(
                $"""
                select b.location from repository_blobs l join blobs b on b.digest = l.digest
                where l.repository_id = {repositoryId} and l.digest = {digest} and b.bytes <= {bytesMax}
                """, token), cancellationToken);
        if (location is null)
            return null;
        // The collector may have been quicker than we: then there is nothing to show.
        await using IBlobReader? blob = await storage.OpenAsync(location, cancellationToken);
        if (blob is null || blob.Bytes > bytesMax)
            return null;
        using MemoryStream bytes = new((int)blob.Bytes);
        PipeWriter writer = PipeWriter.Create(bytes, new StreamPipeWriterOptions(leaveOpen: true));
        await blob.CopyToAsync(writer, 0, blob.Bytes, cancellationToken);
        await writer.CompleteAsync();
        return bytes.ToArray();
    }
}
