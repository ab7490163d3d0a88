using System.Net;
using System.Runtime.CompilerServices;
using Amazon.S3;
using Amazon.S3.Model;

namespace Berth.Registry.Storage;

/// <summary>
/// A multipart upload that the service keeps. It is no object, so listings of objects do not have it, and its parts are paid for: its
/// location is <c>parts/&lt;upload&gt;/&lt;the service's ID&gt;</c>.
/// </summary>
internal sealed record S3Parts(string Id, string UploadId)
{
    private const string Prefix = "parts/";

    /// <summary>Where <see cref="IBlobStorage.DeleteAsync"/> finds it.</summary>
    public string Location => $"{Prefix}{Id}/{UploadId}";

    /// <summary>The one of a location; null: the location is an object's.</summary>
    public static S3Parts? TryParse(string location) =>
        location.StartsWith(Prefix, StringComparison.Ordinal) && location.Split('/', 3) is [_, var id, var uploadId]
            ? new S3Parts(id, uploadId)
            : null;

    /// <summary>All that were begun and not ended. None, where the service does not tell: its own rules for old uploads remain.</summary>
    public static async IAsyncEnumerable<StoredFile> ListAsync(
        S3BlobStorage storage, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var request = new ListMultipartUploadsRequest
        {
            BucketName = storage.Bucket, Prefix = storage.Key(S3BlobStorage.Blobs), MaxUploads = storage.ListedAtOnce,
        };
        while (await PageAsync(storage, request, cancellationToken).ConfigureAwait(false) is { } page)
        {
            foreach (MultipartUpload upload in page.MultipartUploads ?? [])
            {
                string id = storage.NameOf(upload.Key)[S3BlobStorage.Blobs.Length..];
                if (UploadIds.IsOne(id))
                    yield return new StoredFile(
                        new S3Parts(id, upload.UploadId).Location, id, new StoredState(0, S3BlobStorage.TimeOf(upload.Initiated)));
            }
            if (page.IsTruncated != true)
                break;
            (request.KeyMarker, request.UploadIdMarker) = (page.NextKeyMarker, page.NextUploadIdMarker);
        }
    }

    /// <summary>What its parts hold, none where the service does not tell; null: it is gone.</summary>
    public async Task<long?> BytesAsync(S3BlobStorage storage, CancellationToken cancellationToken)
    {
        var request = new ListPartsRequest { BucketName = storage.Bucket, Key = storage.BlobKey(Id), UploadId = UploadId };
        long bytes = 0;
        try
        {
            while (true)
            {
                ListPartsResponse page = await storage.Client.ListPartsAsync(request, cancellationToken).ConfigureAwait(false);
                bytes += (page.Parts ?? []).Sum(part => part.Size ?? 0);
                if (page.IsTruncated != true)
                    return bytes;
                request.PartNumberMarker = page.NextPartNumberMarker?.ToString(System.Globalization.CultureInfo.InvariantCulture);
            }
        }
        catch (AmazonS3Exception exception) when (exception.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
        catch (AmazonS3Exception exception) when (IsRefusal(exception))
        {
            return 0;
        }
        catch (Exception exception) when (S3BlobStorage.IsAway(exception))
        {
            throw S3BlobStorage.Away(exception);
        }
    }

    // Services that keep multipart uploads to themselves, and keys that may not ask.
    private static bool IsRefusal(AmazonS3Exception exception) => exception.StatusCode
        is HttpStatusCode.NotImplemented or HttpStatusCode.MethodNotAllowed or HttpStatusCode.Forbidden;

    private static async Task<ListMultipartUploadsResponse?> PageAsync(
        S3BlobStorage storage, ListMultipartUploadsRequest request, CancellationToken cancellationToken)
    {
        try
        {
            return await storage.Client.ListMultipartUploadsAsync(request, cancellationToken).ConfigureAwait(false);
        }
        catch (AmazonS3Exception exception) when (IsRefusal(exception))
        {
            return null;
        }
        catch (Exception exception) when (S3BlobStorage.IsAway(exception))
        {
            throw S3BlobStorage.Away(exception);
        }
    }
}
