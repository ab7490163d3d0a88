using Berth.Registry.Audit;
using Berth.Registry.Database;
using Berth.Registry.Hosting;
using Berth.Registry.Model;

namespace Berth.Registry.Sealing;

/// <summary>A webhook that was given up with its secret.</summary>
/// <param name="Repository">What it was told of.</param>
/// <param name="Url">Who was told.</param>
/// <param name="Events">Of which events.</param>
public sealed record ForgottenWebhook(string Repository, string Url, string Events);

/// <summary>What giving up a lost key did.</summary>
/// <param name="KeyId">The key that the database has now.</param>
/// <param name="KeyFile">Its file.</param>
/// <param name="Webhooks">Webhooks that are gone.</param>
public sealed record LostKeyReport(string KeyId, string KeyFile, IReadOnlyList<ForgottenWebhook> Webhooks);

/// <summary>Gives up what nobody can open any more, because the key's file is lost: signing keys are made anew, webhooks are removed, and
/// the database gets another key.</summary>
public static class LostKey
{
    /// <summary>Does so. Works on a hub that does not open.</summary>
    /// <exception cref="FaultException">Conflict: the key is there, so nothing is lost. Unavailable: the file or the database cannot be
    /// written.</exception>
    public static async Task<LostKeyReport> ForgetAsync(
        HubOptions options, Caller actor, TimeProvider time, CancellationToken cancellationToken)
    {
        await using HubDatabase database = HubServices.OpenDatabase(options);
        await database.MigrateAsync(HubSchema.Steps, time, cancellationToken);
        var file = new SealingKeyFile(options.SecretKeyPath);
        using IDisposable alone = file.Lock();
        SealedSecrets.Current? current = await database.ReadAsync(SealedSecrets.CurrentAsync, cancellationToken);
        if (current is null)
            throw FaultException.Conflict("give up the hub's secrets: nothing is encrypted yet; the next start does it");
        if (file.Read() is { } there && there.Any(key => key.Id == current.Id))
            throw FaultException.Conflict($"give up the hub's secrets: {file.Path} has the database's key: nothing is lost");
        SealingKey next = file.ReadOrMake()[0];
        var audit = new AuditLog(database, time);
        List<ForgottenWebhook> webhooks = await database.WriteAsync(
            async (transaction, token) =>
            {
                List<ForgottenWebhook> gone = await transaction.ListAsync(
                    $"select repository, url, events from webhooks order by id",
                    row => new ForgottenWebhook(row.GetString(0), row.GetString(1), row.GetString(2)), token);
                foreach (SealedColumn column in SealedColumn.All)
                    await transaction.ExecuteAsync($"delete from {(SqlText)column.Table}", token);
                await SealedSecrets.NameAsync(transaction, next, time, token);
                await audit.RecordAsync(transaction, actor, AuditActions.SecretsReset, "", $"key {current.Id} to {next.Id}", token);
                return gone;
            }, cancellationToken);
        return new LostKeyReport(next.Id, file.Path, webhooks);
    }
}
