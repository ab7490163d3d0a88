using Berth.Oci;
using Berth.Registry.Model;
using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Protocol.Uploads;

/// <summary>end-4 and end-11, POST <c>/v2/&lt;name&gt;/blobs/uploads/</c>: mounts a blob, takes one whole, or begins an upload.</summary>
internal static class StartUpload
{
    public static async Task AnswerAsync(RegistryCall call)
    {
        await call.RequireAsync(RepositoryAccess.Push).ConfigureAwait(false);
        if (call.Query("mount") is { } mount && Digest.TryParse(mount, out Digest wanted)
            && await Mount.TryAsync(call, wanted, call.Query("from")).ConfigureAwait(false))
        {
            UploadAnswer.Created(call, wanted);
            return;
        }
        Digest whole = call.Query("digest") is { } text ? RegistryCall.ParseDigest(text) : default;
        await using UploadSession session =
            await UploadSession.BeginAsync(call, whole.IsEmpty ? Algorithm(call) : whole.Algorithm).ConfigureAwait(false);
        if (whole.IsEmpty)
        {
            UploadAnswer.GoesOn(call, session.Upload.Id, 0, StatusCodes.Status202Accepted);
            return;
        }
        await session.TakeBodyAsync(whole).ConfigureAwait(false);
        UploadAnswer.Created(call, whole);
    }

    private static string Algorithm(RegistryCall call) => call.Query("digest-algorithm") switch
    {
        null or "" or "sha256" => "sha256",
        "sha512" => "sha512",
        _ => throw new RegistryException(RegistryCode.DIGEST_INVALID, "digests are made with sha256 or sha512"),
    };
}
