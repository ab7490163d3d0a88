using Berth.Registry.Database;
using Berth.Registry.Repositories;

namespace Berth.Registry.Protocol.Uploads;

/// <summary>Keeps what open uploads hold within the quota of their namespace: otherwise it would be no limit to the disk that they take,
/// but only to the blobs that they become.</summary>
/// <remarks>
/// An upload claims in its row what it is going to have, where the request says so, or what it has, and only then looks at the sum of all:
/// of two at once at least one sees the other. So that not every write asks, one that has asked may write on for its share of the rest.
/// </remarks>
internal static class UploadQuota
{
    // What may be written at most until the quota is asked again.
    private const long StepBytesMax = 16 * 1024 * 1024;

    // An upload that nobody writes for so long gives way: a push that broke off must not stand in the way of its own repetition.
    private static readonly TimeSpan s_idleTime = TimeSpan.FromMinutes(10);

    /// <summary>Up to how many bytes an upload may be written before this is asked again; null: not even what it has claimed.</summary>
    public static async Task<long?> GrantAsync(RegistryCall call, long claimed)
    {
        (long? rest, long count) = await LookAsync(call).ConfigureAwait(false);
        if (rest < 0 && await GiveUpIdleAsync(call).ConfigureAwait(false))
            (rest, count) = await LookAsync(call).ConfigureAwait(false);
        if (rest is null)
            return long.MaxValue;
        return rest < 0 ? null : claimed + Math.Min(rest.Value / Math.Max(count, 1), StepBytesMax);
    }

    /// <summary>Whether the namespace of a request has a quota.</summary>
    public static Task<bool> IsLimitedAsync(RegistryCall call) => call.Services.Database.ReadAsync(
        async (transaction, token) =>
            (await QuotaTable.FindAsync(transaction, call.Repository.Namespace, token).ConfigureAwait(false)).BytesMax is not null,
        call.Aborted);

    /// <summary>The refusal of an upload that the quota has no room for.</summary>
    public static RegistryException Denied(RegistryCall call)
    {
        string space = call.Repository.Namespace;
        return new RegistryException(
            RegistryCode.DENIED,
            $"the quota of {(space.Length > 0 ? space : "names without a namespace")} has no room for this upload beside what is stored and "
            + "what other uploads hold");
    }

    private static Task<(long? Left, long Count)> LookAsync(RegistryCall call) => call.Services.Database.ReadAsync(
        async (transaction, token) =>
        {
            string space = call.Repository.Namespace;
            Quota quota = await QuotaTable.FindAsync(transaction, space, token).ConfigureAwait(false);
            (long count, long bytes) = await UploadTable.HeldAsync(transaction, space, token).ConfigureAwait(false);
            return (quota.BytesMax - quota.BytesUsed - bytes, count);
        }, call.Aborted);

    private static async Task<bool> GiveUpIdleAsync(RegistryCall call)
    {
        long before = call.Now - (long)s_idleTime.TotalMilliseconds;
        List<string> idle = await call.Services.Database.WriteAsync(
            Durability.Process,
            (transaction, token) => UploadTable.RemoveIdleAsync(transaction, call.Repository.Namespace, before, call.Now, token),
            call.Aborted).ConfigureAwait(false);
        foreach (string id in idle)
            await call.Services.Storage.CancelAsync(id, CancellationToken.None).ConfigureAwait(false);
        return idle.Count > 0;
    }
}
