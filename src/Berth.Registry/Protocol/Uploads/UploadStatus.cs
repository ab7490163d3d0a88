using Berth.Registry.Model;
using Berth.Registry.Repositories;
using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Protocol.Uploads;

/// <summary>end-13, GET <c>/v2/&lt;name&gt;/blobs/uploads/&lt;id&gt;</c>: what has arrived.</summary>
internal static class UploadStatus
{
    public static async Task AnswerAsync(RegistryCall call)
    {
        await call.RequireAsync(RepositoryAccess.Push).ConfigureAwait(false);
        UploadRow upload = await call.Services.Database.ReadAsync(
            (transaction, token) => UploadTable.FindAsync(transaction, call.Repository, call.Reference, token), call.Aborted)
            .ConfigureAwait(false) ?? throw UploadSession.Unknown();
        UploadAnswer.GoesOn(call, upload.Id, upload.Bytes, StatusCodes.Status204NoContent);
    }
}
