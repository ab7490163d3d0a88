using Berth.Registry.Model;
using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Protocol.Uploads;

/// <summary>end-5, PATCH <c>/v2/&lt;name&gt;/blobs/uploads/&lt;id&gt;</c>: the next bytes.</summary>
internal static class AppendChunk
{
    public static async Task AnswerAsync(RegistryCall call)
    {
        await call.RequireAsync(RepositoryAccess.Push).ConfigureAwait(false);
        ContentRange? range = ReadRange(call);
        await using UploadSession session = await UploadSession.OpenAsync(call).ConfigureAwait(false);
        await AppendAsync(call, session, range).ConfigureAwait(false);
        UploadAnswer.GoesOn(call, session.Upload.Id, session.Bytes, StatusCodes.Status202Accepted);
    }

    /// <summary>Adds the body at the place that the client said.</summary>
    public static async Task AppendAsync(RegistryCall call, UploadSession session, ContentRange? range)
    {
        if (range is { } place && place.Start != session.Bytes)
            throw UploadAnswer.OutOfOrder(call, session.Upload.Id, session.Bytes);
        await session.AppendBodyAsync().ConfigureAwait(false);
    }

    /// <summary>Where the client says that the body belongs; null: at the end.</summary>
    /// <exception cref="RegistryException">BLOB_UPLOAD_INVALID: not a range. SIZE_INVALID: the body has another length.</exception>
    public static ContentRange? ReadRange(RegistryCall call)
    {
        if (call.Request.Headers.ContentRange.Count == 0)
            return null;
        if (!ContentRange.TryParse(call.Request.Headers.ContentRange.ToString(), out ContentRange range))
            throw new RegistryException(RegistryCode.BLOB_UPLOAD_INVALID, "Content-Range is not 'start-end'");
        if (call.Request.ContentLength is { } length && length != range.Length)
            throw new RegistryException(RegistryCode.SIZE_INVALID, "Content-Range and Content-Length do not agree");
        return range;
    }
}
