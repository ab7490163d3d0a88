using Berth.Oci;
using Berth.Registry.Model;

namespace Berth.Registry.Protocol.Uploads;

/// <summary>
/// end-6, PUT <c>/v2/&lt;name&gt;/blobs/uploads/&lt;id&gt;?digest=</c>: the last bytes, or none, and the digest of all.
/// </summary>
internal static class FinishUpload
{
    public static async Task AnswerAsync(RegistryCall call)
    {
        Digest digest = RegistryCall.ParseDigest(call.Query("digest"));
        await call.RequireAsync(RepositoryAccess.Push).ConfigureAwait(false);
        ContentRange? range = AppendChunk.ReadRange(call);
        await using UploadSession session = await UploadSession.OpenAsync(call).ConfigureAwait(false);
        await AppendChunk.AppendAsync(call, session, range).ConfigureAwait(false);
        await session.FinishAsync(digest).ConfigureAwait(false);
        UploadAnswer.Created(call, digest);
    }
}
