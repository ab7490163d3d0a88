using Berth.Registry.Database;
using Berth.Registry.Model;
using Berth.Registry.Repositories;
using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Protocol.Uploads;

/// <summary>end-14, DELETE <c>/v2/&lt;name&gt;/blobs/uploads/&lt;id&gt;</c>: forgets what has arrived.</summary>
internal static class CancelUpload
{
    public static async Task AnswerAsync(RegistryCall call)
    {
        await call.RequireAsync(RepositoryAccess.Push).ConfigureAwait(false);
        UploadRow upload = await call.Services.Database.WriteAsync(
            Durability.Process, ReserveUse.Freeing,
            async (transaction, token) =>
            {
                UploadRow found = await UploadTable.FindAsync(transaction, call.Repository, call.Reference, token).ConfigureAwait(false)
                    ?? throw UploadSession.Unknown();
                await UploadTable.RemoveAsync(transaction, found.Id, token).ConfigureAwait(false);
                return found;
            }, call.Aborted).ConfigureAwait(false);
        await call.Services.Storage.CancelAsync(upload.Id, CancellationToken.None).ConfigureAwait(false);
        call.Response.StatusCode = StatusCodes.Status204NoContent;
    }
}
