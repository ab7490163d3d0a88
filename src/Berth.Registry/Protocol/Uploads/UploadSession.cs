using System.Buffers;
using System.IO.Pipelines;
using Berth.Oci;
using Berth.Registry.Database;
using Berth.Registry.Repositories;
using Berth.Registry.Storage;
using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Protocol.Uploads;

/// <summary>What one request does to an upload: it holds the upload's lease from opening to closing, and alone writes to it.</summary>
internal sealed class UploadSession : IAsyncDisposable
{
    /// <summary>The largest blob, of which no client was ever seen to have a twentieth.</summary>
    public const long BytesMax = 1L << 40;

    private static readonly TimeSpan s_renewalTime = UploadTable.LeaseTime / 3;

    private readonly RegistryCall _call;
    private readonly string _lease;
    private readonly IBlobWriter _writer;
    private long _renewedAt;
    private long _granted;
    private bool _ended;
    private bool _isPublished;

    private UploadSession(RegistryCall call, UploadRow upload, string lease, IBlobWriter writer) =>
        (_call, Upload, _lease, _writer, _renewedAt) = (call, upload, lease, writer, call.Now);

    public UploadRow Upload { get; }

    /// <summary>How much has arrived.</summary>
    public long Bytes => _writer.Bytes;

    /// <summary>Begins an upload and holds it.</summary>
    /// <param name="call">The request.</param>
    /// <param name="algorithm">What the bytes are hashed by.</param>
    /// <exception cref="RegistryException">TOOMANYREQUESTS.</exception>
    public static async Task<UploadSession> BeginAsync(RegistryCall call, string algorithm)
    {
        string lease = UploadIds.Next();
        HubDatabase database = call.Services.Database;
        await database.ReadAsync(
            async (transaction, token) =>
            {
                await UploadTable.RequireRoomAsync(transaction, call.Caller, token).ConfigureAwait(false);
                return true;
            }, call.Aborted).ConfigureAwait(false);
        UploadRow upload = await database.WriteAsync(
            Durability.Process,
            async (transaction, token) =>
            {
                RepositoryRow repository = await RepositoryTable.FindOrBeginAsync(
                    transaction, call.Repository, call.Now, token).ConfigureAwait(false);
                var added = new UploadRow(UploadIds.Next(), repository.Id, 0, algorithm);
                await UploadTable.AddAsync(transaction, added, lease, call.Caller, call.Now, token).ConfigureAwait(false);
                return added;
            }, call.Aborted).ConfigureAwait(false);
        IBlobWriter writer = await call.Services.Storage.BeginAsync(upload.Id, algorithm, call.Aborted).ConfigureAwait(false);
        return new UploadSession(call, upload, lease, writer);
    }

    /// <summary>Takes the lease of an upload of the request's repository.</summary>
    /// <exception cref="RegistryException">BLOB_UPLOAD_UNKNOWN; BLOB_UPLOAD_INVALID with 409: another request writes it.</exception>
    public static async Task<UploadSession> OpenAsync(RegistryCall call)
    {
        string lease = UploadIds.Next();
        UploadRow upload = await call.Services.Database.WriteAsync(
            Durability.Process,
            async (transaction, token) =>
            {
                UploadRow found = await UploadTable.FindAsync(transaction, call.Repository, call.Reference, token).ConfigureAwait(false)
                    ?? throw Unknown();
                return await UploadTable.LeaseAsync(transaction, found.Id, lease, call.Now, token).ConfigureAwait(false)
                    ? found
                    : throw Taken();
            }, call.Aborted).ConfigureAwait(false);
        try
        {
            IBlobWriter writer = await call.Services.Storage
                .ResumeAsync(upload.Id, upload.Algorithm, upload.Bytes, call.Aborted).ConfigureAwait(false);
            return new UploadSession(call, upload, lease, writer);
        }
        catch (FaultException fault)
        {
            // Whoever asks next need not wait for this lease to run out.
            await call.Services.Database.WriteAsync(
                Durability.Process,
                (transaction, token) => UploadTable.ReleaseAsync(transaction, upload.Id, lease, upload.Bytes, call.Now, token),
                CancellationToken.None).ConfigureAwait(false);
            throw fault.Kind switch
            {
                FaultKind.NotFound => Unknown(),
                // The lease had run out, but whoever had it still writes.
                FaultKind.Conflict => Taken(),
                _ => fault,
            };
        }
    }

    /// <summary>Makes the request's body a blob: <see cref="TakeAsync"/>.</summary>
    public Task TakeBodyAsync(Digest digest) => TakeAsync(_call.Request.BodyReader, _call.Request.ContentLength, digest);

    /// <summary>Makes all that a pipe gives a blob. Where that fails nothing of it stays: nobody was told where to go on.</summary>
    /// <param name="body">The pipe.</param>
    /// <param name="length">How much it will give; null: that is not known.</param>
    /// <param name="digest">What it should be.</param>
    /// <exception cref="RegistryException">As of <see cref="AppendBodyAsync"/> and <see cref="FinishAsync"/>.</exception>
    public async Task TakeAsync(PipeReader body, long? length, Digest digest)
    {
        try
        {
            await AppendAsync(body, length).ConfigureAwait(false);
            await FinishAsync(digest).ConfigureAwait(false);
        }
        finally
        {
            if (!_ended)
                await DiscardAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Adds the request's body. What arrived counts, also when the client goes away in its midst.</summary>
    /// <exception cref="RegistryException">SIZE_INVALID: too much. DENIED: the quota; the upload is gone then. BLOB_UPLOAD_INVALID:
    /// another request has taken over.</exception>
    public Task AppendBodyAsync() => AppendAsync(_call.Request.BodyReader, _call.Request.ContentLength);

    private async Task AppendAsync(PipeReader body, long? length)
    {
        // A client that says how much it sends learns before it has sent it that there is no room.
        if (length > 0)
            await AdmitAsync(length.Value).ConfigureAwait(false);
        while (true)
        {
            ReadResult read = await body.ReadAsync(_call.Aborted).ConfigureAwait(false);
            try
            {
                await WriteAsync(read.Buffer).ConfigureAwait(false);
            }
            finally
            {
                // Also before a refusal: a body that is left in the midst of reading costs its connection.
                body.AdvanceTo(read.Buffer.End);
            }
            if (read.IsCompleted)
                return;
        }
    }

    /// <summary>Makes what has arrived a blob of the repository.</summary>
    /// <exception cref="RegistryException">DIGEST_INVALID: the bytes have another digest; DENIED: the quota. The upload is gone
    /// then.</exception>
    public async Task FinishAsync(Digest digest)
    {
        Digest actual = await _writer.DigestAsync(digest.Algorithm, _call.Aborted).ConfigureAwait(false);
        if (actual != digest)
        {
            await CancelAsync().ConfigureAwait(false);
            throw new RegistryException(RegistryCode.DIGEST_INVALID, $"the {Bytes} bytes that arrived have the digest {actual}");
        }
        if (await TryLinkAsync(digest).ConfigureAwait(false))
            return;
        await RenewAsync().ConfigureAwait(false);
        _isPublished = true;
        string location = await _writer.FinishAsync(digest, _call.Aborted).ConfigureAwait(false);
        await CommitAsync(digest, location).ConfigureAwait(false);
        _ended = true;
    }

    /// <summary>Gives the lease back and notes what has arrived.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            // The client may be gone: what it sent is noted for when it comes back.
            if (!_ended && !await TrySuspendAsync().ConfigureAwait(false))
                _ended = true;
        }
        finally
        {
            if (_ended)
                _writer.Abandon();
            await _writer.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Forgets the upload and its bytes. Where another request has taken over, they are no longer this one's to forget.</summary>
    public async Task CancelAsync()
    {
        if (await ForgetAsync().ConfigureAwait(false))
            await _call.Services.Storage.CancelAsync(Upload.Id, CancellationToken.None).ConfigureAwait(false);
    }

    // Where the database is away the row stays until it expires. The bytes go before it then, since a full disk is one reason for it to
    // be away; but not what may be a blob already.
    private async Task DiscardAsync()
    {
        try
        {
            if (!_isPublished)
                await _call.Services.Storage.CancelAsync(Upload.Id, CancellationToken.None).ConfigureAwait(false);
            await CancelAsync().ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is FaultException or IOException)
        {
            // What made it fail is what the client is told.
            _ended = true;
        }
    }

    public static RegistryException Unknown() => new(RegistryCode.BLOB_UPLOAD_UNKNOWN, "blob upload unknown to registry");

    private static RegistryException Taken() => new(
        RegistryCode.BLOB_UPLOAD_INVALID, StatusCodes.Status409Conflict, "another request is writing this upload");

    // The bytes are here already, from another repository or another client: one row more, and nothing to store.
    private async Task<bool> TryLinkAsync(Digest digest)
    {
        long? known = await _call.Services.Database.ReadAsync(
            (transaction, token) => BlobTable.BytesAsync(transaction, digest, token), _call.Aborted).ConfigureAwait(false);
        if (known is null)
            return false;
        try
        {
            if (!await EndAsync((transaction, repository, token) => LinkKnownAsync(transaction, repository, digest, token))
                .ConfigureAwait(false))
                return false;
        }
        catch (RegistryException)
        {
            await CancelAsync().ConfigureAwait(false);
            throw;
        }
        _ended = true;
        await _call.Services.Storage.CancelAsync(Upload.Id, CancellationToken.None).ConfigureAwait(false);
        return true;
    }

    private async Task<bool> LinkKnownAsync(
        HubTransaction transaction, RepositoryRow repository, Digest digest, CancellationToken cancellationToken)
    {
        // It may have been collected since.
        if (await BlobTable.BytesAsync(transaction, digest, cancellationToken).ConfigureAwait(false) is not { } bytes)
            return false;
        await BlobTable.LinkAsync(transaction, repository, digest, bytes, _call.Now, cancellationToken).ConfigureAwait(false);
        return true;
    }

    private async Task CommitAsync(Digest digest, string location)
    {
        try
        {
            await EndAsync(
                async (transaction, repository, token) =>
                {
                    await BlobTable.AddAsync(transaction, digest, Bytes, location, _call.Now, token).ConfigureAwait(false);
                    await BlobTable.LinkAsync(transaction, repository, digest, Bytes, _call.Now, token).ConfigureAwait(false);
                    return true;
                }).ConfigureAwait(false);
        }
        catch (RegistryException)
        {
            // Refused, so surely not committed. Where that is not sure, or another has taken over and may have made these bytes a blob,
            // the upload's row or the blob's owns them, and what no row owns is swept.
            if (await ForgetAsync().ConfigureAwait(false))
                await _call.Services.Storage.DeleteAsync(location, CancellationToken.None).ConfigureAwait(false);
            throw;
        }
    }

    // The upload's row goes in the same transaction: afterwards the bytes are a blob's and nobody's who cleans up.
    private Task<bool> EndAsync(Func<HubTransaction, RepositoryRow, CancellationToken, Task<bool>> work) =>
        _call.Services.Database.WriteAsync(
            async (transaction, token) =>
            {
                // First: where the repository was deleted meanwhile, its uploads went with it, and no row may name it any more.
                if (!await UploadTable.RenewAsync(transaction, Upload.Id, _lease, Bytes, _call.Now, token).ConfigureAwait(false))
                    throw Unknown();
                var repository = new RepositoryRow(Upload.RepositoryId, _call.Repository);
                if (!await work(transaction, repository, token).ConfigureAwait(false))
                    return false;
                return await UploadTable.RemoveLeasedAsync(transaction, Upload.Id, _lease, token).ConfigureAwait(false)
                    ? true
                    : throw Unknown();
            }, CancellationToken.None);

    // False: the upload is gone, or another's.
    private Task<bool> ForgetAsync()
    {
        _ended = true;
        return _call.Services.Database.WriteAsync(
            Durability.Process, ReserveUse.Freeing,
            (transaction, token) => UploadTable.RemoveLeasedAsync(transaction, Upload.Id, _lease, token), CancellationToken.None);
    }

    // False: the upload is gone, or another's, who must find it as he left it.
    private async Task<bool> TrySuspendAsync()
    {
        if (_writer.HasUnsaved
            && !await _call.Services.Database.WriteAsync(
                Durability.Process, (transaction, token) => UploadTable.RenewAsync(transaction, Upload.Id, _lease, Bytes, _call.Now, token),
                CancellationToken.None).ConfigureAwait(false))
            return false;
        await _writer.SuspendAsync(CancellationToken.None).ConfigureAwait(false);
        return await _call.Services.Database.WriteAsync(
            Durability.Process,
            (transaction, token) => UploadTable.ReleaseAsync(transaction, Upload.Id, _lease, Bytes, _call.Now, token),
            CancellationToken.None).ConfigureAwait(false);
    }

    private async ValueTask WriteAsync(ReadOnlySequence<byte> bytes)
    {
        if (bytes.IsEmpty)
            return;
        await AdmitAsync(bytes.Length).ConfigureAwait(false);
        await RenewAsync().ConfigureAwait(false);
        // On a full disk, what was given up for deletions is not for uploads that have begun already.
        _call.Services.Database.RequireRoom();
        await _writer.WriteAsync(bytes, _call.Aborted).ConfigureAwait(false);
    }

    /// <exception cref="RegistryException">SIZE_INVALID: too much for a blob. DENIED: for the quota; the upload is gone then.</exception>
    private async ValueTask AdmitAsync(long more)
    {
        if (more > BytesMax - Bytes)
            throw new RegistryException(
                RegistryCode.SIZE_INVALID, StatusCodes.Status413PayloadTooLarge, $"a blob has at most {BytesMax} bytes");
        long wanted = Bytes + more;
        if (wanted <= _granted)
            return;
        if (!await UploadQuota.IsLimitedAsync(_call).ConfigureAwait(false))
        {
            _granted = long.MaxValue;
            return;
        }
        await ClaimAsync(wanted).ConfigureAwait(false);
        if (await UploadQuota.GrantAsync(_call, wanted).ConfigureAwait(false) is { } granted)
        {
            _granted = granted;
            return;
        }
        // What it holds would only keep others out until it expires.
        await CancelAsync().ConfigureAwait(false);
        throw UploadQuota.Denied(_call);
    }

    private async Task RenewAsync()
    {
        if (_call.Now - _renewedAt < s_renewalTime.TotalMilliseconds)
            return;
        await ClaimAsync(Bytes).ConfigureAwait(false);
        // The quota may have been set or changed meanwhile.
        _granted = 0;
    }

    private async Task ClaimAsync(long bytes)
    {
        long now = _call.Now;
        if (!await _call.Services.Database.WriteAsync(
            Durability.Process, (transaction, token) => UploadTable.RenewAsync(transaction, Upload.Id, _lease, bytes, now, token),
            _call.Aborted).ConfigureAwait(false))
        {
            _ended = true;
            UploadRow? there = await _call.Services.Database.ReadAsync(
                (transaction, token) => UploadTable.FindAsync(transaction, _call.Repository, Upload.Id, token), _call.Aborted)
                .ConfigureAwait(false);
            throw there is null ? Unknown() : Taken();
        }
        _renewedAt = now;
    }
}
