using Berth.Oci;
using Berth.Registry.Cache;
using Berth.Registry.Database;
using Berth.Registry.Hosting;
using Berth.Registry.Repositories;
using Berth.Registry.Storage;
using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Protocol.Blobs;

/// <summary>end-2, GET and HEAD <c>/v2/&lt;name&gt;/blobs/&lt;digest&gt;</c>, whole or a part.</summary>
internal static class GetBlob
{
    private const long SentByKernelBytesMin = 128 * 1024;

    public static async Task AnswerAsync(RegistryCall call)
    {
        Digest digest = call.Digest;
        Upstream? upstream = await call.RequirePullAsync().ConfigureAwait(false);
        BlobRow? found = await TryFindAsync(call, digest).ConfigureAwait(false);
        if (found is null && upstream is not null)
        {
            if (call.IsHead && await PullThrough.MeasureAsync(call, upstream, digest).ConfigureAwait(false) is { } bytes)
            {
                Describe(call, digest, bytes);
                return;
            }
            await call.Services.Cache.FetchAsync(call, upstream, digest).ConfigureAwait(false);
            found = await TryFindAsync(call, digest).ConfigureAwait(false);
        }
        BlobRow blob = found ?? throw Unknown();
        Describe(call, digest);
        // By RFC 9110, 13.2.2 this comes before a range.
        if (call.HasAlready(call.Response.Headers.ETag))
        {
            call.Response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }
        if (call.IsHead)
        {
            call.Response.ContentLength = blob.Bytes;
            return;
        }
        await using IBlobReader reader = await OpenAsync(call, digest, blob).ConfigureAwait(false);
        ByteRange range = Choose(call, digest, reader.Bytes);
        call.Response.ContentLength = range.Count;
        if (range.Count > 0)
            await SendAsync(call, reader, range).ConfigureAwait(false);
    }

    // What stays at an upstream: its word is passed on, and nothing that anybody may keep is made of it.
    private static void Describe(RegistryCall call, Digest digest, long bytes)
    {
        call.Response.ContentType = "application/octet-stream";
        call.Response.Headers["Docker-Content-Digest"] = digest.ToString();
        call.Response.Headers.AcceptRanges = "bytes";
        call.Response.Headers.CacheControl = "no-store";
        call.Response.ContentLength = bytes;
    }

    private static async Task<BlobRow?> TryFindAsync(RegistryCall call, Digest digest)
    {
        BlobRow? blob = await call.Services.Database.ReadAsync(
            (transaction, token) => BlobTable.FindAsync(transaction, call.Repository, digest, token), call.Aborted).ConfigureAwait(false);
        if (blob is null)
            return null;
        // Who is told that a blob is here does not push it again: it must still be here when the manifest comes that needs it.
        bool isOld = call.Now - blob.UsedAt > call.Services.Options.UnusedBlobTime.TotalMilliseconds / 4;
        return !isOld || await TryTouchAsync(call, digest, blob).ConfigureAwait(false) ? blob : null;
    }

    // False: it is not here any more.
    private static async Task<bool> TryTouchAsync(RegistryCall call, Digest digest, BlobRow blob)
    {
        long now = call.Now;
        try
        {
            return await call.Services.Database.WriteAsync(
                Durability.Process, (transaction, token) => BlobTable.TouchAsync(transaction, blob.RepositoryId, digest, now, token),
                call.Aborted).ConfigureAwait(false);
        }
        catch (FaultException fault) when (fault.Kind is FaultKind.Unavailable)
        {
            // A full disk does not keep anybody from pulling, and no manifest comes while it is full: one that comes later and finds
            // the blob gone is refused.
            return true;
        }
    }

    private static async Task<IBlobReader> OpenAsync(RegistryCall call, Digest digest, BlobRow blob)
    {
        if (await call.Services.Storage.OpenAsync(blob.Location, call.Aborted).ConfigureAwait(false) is { } reader)
            return reader;
        // It was collected after the row was read, and perhaps pushed again since.
        BlobRow again = await TryFindAsync(call, digest).ConfigureAwait(false) ?? throw Unknown();
        return await call.Services.Storage.OpenAsync(again.Location, call.Aborted).ConfigureAwait(false)
            ?? throw FaultException.Internal($"read blob {digest}: {again.Location} is not in the storage");
    }

    private static void Describe(RegistryCall call, Digest digest)
    {
        HttpResponse response = call.Response;
        string text = digest.ToString();
        response.ContentType = "application/octet-stream";
        response.Headers["Docker-Content-Digest"] = text;
        response.Headers.ETag = $"\"{text}\"";
        response.Headers.AcceptRanges = "bytes";
        // It never changes; who may have it does. What anybody may have, any cache may.
        response.Headers.CacheControl = call.Caller.AccountId is null
            ? "max-age=31536000, immutable"
            : "private, max-age=31536000, immutable";
    }

    private static ByteRange Choose(RegistryCall call, Digest digest, long size)
    {
        string? header = call.Request.Headers.Range.Count > 0 ? call.Request.Headers.Range.ToString() : null;
        string condition = call.Request.Headers.IfRange.ToString();
        if (condition.Length > 0 && condition != $"\"{digest}\"")
            header = null;
        if (!ByteRange.TryRead(header, size, out ByteRange? part))
        {
            call.Response.Headers.ContentRange = $"bytes */{size}";
            throw new RegistryException(
                RegistryCode.SIZE_INVALID, StatusCodes.Status416RangeNotSatisfiable, $"the blob has {size} bytes");
        }
        if (part is not { } range)
            return new ByteRange(0, size);
        call.Response.StatusCode = StatusCodes.Status206PartialContent;
        call.Response.Headers.ContentRange = $"bytes {range.Offset}-{range.Offset + range.Count - 1}/{size}";
        return range;
    }

    private static async Task SendAsync(RegistryCall call, IBlobReader reader, ByteRange range)
    {
        // Less goes quicker in one piece with the headers.
        if (range.Count >= SentByKernelBytesMin && reader.File is { } file && call.Http.Features.Get<IFileSending>() is { } sending)
        {
            await sending.SendAsync(call.Response, file, range.Offset, range.Count, call.Aborted).ConfigureAwait(false);
            return;
        }
        await reader.CopyToAsync(call.Response.BodyWriter, range.Offset, range.Count, call.Aborted).ConfigureAwait(false);
    }

    private static RegistryException Unknown() => new(RegistryCode.BLOB_UNKNOWN, "blob unknown to registry");
}
