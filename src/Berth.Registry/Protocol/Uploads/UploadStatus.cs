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
        // The row may have survived a loss of power that took bytes: the client has to send again what is not there.
        long arrived = await call.Services.Storage.ArrivedAsync(upload.Id, upload.Bytes, call.Aborted).ConfigureAwait(false)
            ?? throw UploadSession.Unknown();
        UploadAnswer.GoesOn(call, upload.Id, arrived, StatusCodes.Status204NoContent);
    }
}
