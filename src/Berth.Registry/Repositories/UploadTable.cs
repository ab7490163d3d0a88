using Berth.Registry.Database;
using Berth.Registry.Model;
using Berth.Registry.Protocol;

namespace Berth.Registry.Repositories;

/// <summary>
/// The uploads' rows. One request at a time writes an upload: it holds a lease on the row, in whichever process it runs.
/// </summary>
public static class UploadTable
{
    /// <summary>The most uploads that are open at once; further ones wait for the oldest to expire.</summary>
    public const int UploadsMax = 20_000;

    /// <summary>The most uploads that one account has open at once.</summary>
    public const int UploadsPerAccountMax = 1_000;

    /// <summary>How long a lease holds without being renewed: that long a broken process blocks an upload.</summary>
    public static readonly TimeSpan LeaseTime = TimeSpan.FromMinutes(2);

    /// <summary>
    /// Refuses when too many uploads are open. Asked beside the transaction that adds one: counting in it would make all conflict.
    /// </summary>
    /// <exception cref="RegistryException">TOOMANYREQUESTS: too many are open.</exception>
    public static async Task RequireRoomAsync(HubTransaction transaction, Caller caller, CancellationToken cancellationToken)
    {
        long? open = await transaction.NumberAsync($"select count(*) from uploads", cancellationToken).ConfigureAwait(false);
        long? own = caller.AccountId is null ? 0 : await transaction.NumberAsync(
            $"select count(*) from uploads where account_id = {caller.AccountId}", cancellationToken).ConfigureAwait(false);
        if (open >= UploadsMax || own >= UploadsPerAccountMax)
            throw new RegistryException(RegistryCode.TOOMANYREQUESTS, "too many uploads are open: finish or cancel some");
    }

    /// <summary>Adds an upload without bytes, held by a writer or by none.</summary>
    public static Task AddAsync(
        HubTransaction transaction, UploadRow upload, string? writer, Caller caller, long now, CancellationToken cancellationToken)
    {
        long until = writer is null ? 0 : now + (long)LeaseTime.TotalMilliseconds;
        return transaction.ExecuteAsync(
            $"""
            insert into uploads(id, repository_id, bytes, algorithm, account_id, started_at, updated_at, writer, writer_until)
            values ({upload.Id}, {upload.RepositoryId}, {upload.Bytes}, {upload.Algorithm}, {caller.AccountId}, {now}, {now},
                {writer}, {until})
            """, cancellationToken);
    }

    /// <summary>An upload of a repository; null: none. One of another repository is none.</summary>
    public static Task<UploadRow?> FindAsync(
        HubTransaction transaction, RepositoryName repository, string id, CancellationToken cancellationToken) => transaction.FirstAsync(
            $"""
            select u.id, u.repository_id, u.bytes, u.algorithm from uploads u join repositories r on r.id = u.repository_id
            where u.id = {id} and r.name = {repository}
            """, reader => new UploadRow(reader.GetString(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetString(3)),
            cancellationToken);

    /// <summary>Renews a writer's lease. False: another has taken it since, even if he has given it back, or the upload is gone.</summary>
    /// <param name="transaction">Where.</param>
    /// <param name="id">Which.</param>
    /// <param name="writer">Whose lease it is.</param>
    /// <param name="claimed">How much the upload has or is going to have; never fewer than claimed before.</param>
    /// <param name="now">The time.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<bool> RenewAsync(
        HubTransaction transaction, string id, string writer, long claimed, long now, CancellationToken cancellationToken)
    {
        long until = now + (long)LeaseTime.TotalMilliseconds;
        return await transaction.ExecuteAsync(
            $"""
            update uploads set writer_until = {until}, claimed = case when claimed > {claimed} then claimed else {claimed} end
            where id = {id} and writer = {writer}
            """, cancellationToken).ConfigureAwait(false) > 0;
    }

    /// <summary>The uploads of a namespace, and what they hold.</summary>
    public static async Task<(long Count, long Bytes)> HeldAsync(
        HubTransaction transaction, string space, CancellationToken cancellationToken) => await transaction.FirstAsync(
            $"""
            select count(*), cast(coalesce(sum(case when u.claimed > u.bytes then u.claimed else u.bytes end), 0) as bigint)
            from uploads u join repositories r on r.id = u.repository_id where r.namespace = {space}
            """, reader => (reader.GetInt64(0), reader.GetInt64(1)), cancellationToken).ConfigureAwait(false);

    /// <summary>Removes the uploads of a namespace that nothing has happened to since a time and that nobody writes, at most
    /// <see cref="UploadsPerAccountMax"/>; which.</summary>
    public static Task<List<string>> RemoveIdleAsync(
        HubTransaction transaction, string space, long before, long now, CancellationToken cancellationToken) => transaction.ListAsync(
            $"""
            delete from uploads where id in (select u.id from uploads u join repositories r on r.id = u.repository_id
                where r.namespace = {space} and u.updated_at < {before} and (u.writer is null or u.writer_until < {now})
                order by u.updated_at limit {UploadsPerAccountMax}) returning id
            """, reader => reader.GetString(0), cancellationToken);

    /// <summary>Takes the lease of an upload for a writer. False: another holds it, or the upload is gone.</summary>
    public static async Task<bool> LeaseAsync(
        HubTransaction transaction, string id, string writer, long now, CancellationToken cancellationToken)
    {
        long until = now + (long)LeaseTime.TotalMilliseconds;
        return await transaction.ExecuteAsync(
            $"""
            update uploads set writer = {writer}, writer_until = {until}, claimed = 0
            where id = {id} and (writer is null or writer_until < {now})
            """, cancellationToken).ConfigureAwait(false) > 0;
    }

    /// <summary>Notes what has arrived and gives the lease back. False: the lease was lost.</summary>
    public static async Task<bool> ReleaseAsync(
        HubTransaction transaction, string id, string writer, long bytes, long now, CancellationToken cancellationToken) =>
        await transaction.ExecuteAsync(
            $"update uploads set bytes = {bytes}, claimed = 0, updated_at = {now}, writer = null where id = {id} and writer = {writer}",
            cancellationToken).ConfigureAwait(false) > 0;

    /// <summary>Removes an upload, whoever holds it. False: it was gone.</summary>
    public static async Task<bool> RemoveAsync(HubTransaction transaction, string id, CancellationToken cancellationToken) =>
        await transaction.ExecuteAsync($"delete from uploads where id = {id}", cancellationToken).ConfigureAwait(false) > 0;

    /// <summary>Removes an upload that a writer holds. False: the lease was lost, or the upload is gone.</summary>
    public static async Task<bool> RemoveLeasedAsync(
        HubTransaction transaction, string id, string writer, CancellationToken cancellationToken) =>
        await transaction.ExecuteAsync($"delete from uploads where id = {id} and writer = {writer}", cancellationToken)
            .ConfigureAwait(false) > 0;

    /// <summary>Removes one that is still in <see cref="ExpiredAsync"/>. False: somebody goes on with it, or it is gone.</summary>
    public static async Task<bool> RemoveExpiredAsync(
        HubTransaction transaction, string id, long before, long now, CancellationToken cancellationToken) =>
        await transaction.ExecuteAsync(
            $"delete from uploads where id = {id} and updated_at < {before} and (writer is null or writer_until < {now})",
            cancellationToken).ConfigureAwait(false) > 0;

    /// <summary>Uploads that nothing has happened to since a time and that nobody writes.</summary>
    public static Task<List<string>> ExpiredAsync(
        HubTransaction transaction, long before, long now, int count, CancellationToken cancellationToken) => transaction.ListAsync(
            $"""
            select id from uploads where updated_at < {before} and (writer is null or writer_until < {now})
            order by updated_at limit {count}
            """, reader => reader.GetString(0), cancellationToken);
}
