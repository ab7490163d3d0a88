using Berth.Registry.Audit;
using Berth.Registry.Database;
using Berth.Registry.Hosting;
using Berth.Registry.Model;

namespace Berth.Registry.Sealing;

/// <summary>What changing the key did.</summary>
/// <param name="KeyId">The key that the database's secrets are encrypted with now.</param>
/// <param name="FormerFile">Where the key before is kept, for older backups; null when nothing was changed yet.</param>
public sealed record RotationReport(string KeyId, string? FormerFile);

/// <summary>Gives the database another key, while processes serve.</summary>
/// <remarks>
/// In three steps, after each of which everything can be opened: the file gets the new key beside the old one; one transaction seals every
/// row anew and says that the new key is the one; the old key leaves the file. Whoever is interrupted begins again, and goes on where it
/// ended. A process that meets the new key reads the file again; it never needs the old one from the file, for it has had it since it
/// started.
/// </remarks>
public sealed class KeyRotation(HubServices services)
{
    /// <summary>Changes the key.</summary>
    /// <param name="actor">Whom the audit log names.</param>
    /// <param name="isPreparing">Only puts the new key into the file, so that the file can be copied to where other processes read it.
    /// </param>
    /// <param name="cancellationToken">Gives up; what was done holds.</param>
    /// <exception cref="FaultException">Conflict: somebody else does so now, or the file does not have the database's key. Unavailable:
    /// the file cannot be written.</exception>
    public async Task<RotationReport> RunAsync(Caller actor, bool isPreparing, CancellationToken cancellationToken)
    {
        SealedSecrets secrets = services.Accounts.Seals;
        var file = new SealingKeyFile(secrets.KeyFile);
        using IDisposable alone = file.Lock();
        SealingKey former = await services.Database.ReadAsync(secrets.CurrentKeyAsync, cancellationToken);
        IReadOnlyList<SealingKey> keys = file.Read() ?? [];
        if (!keys.Any(key => key.Id == former.Id))
            throw FaultException.Conflict(
                $"change the hub's key: {file.Path} does not hold key {former.Id}, which the database has: put it there");
        SealingKey next = keys[0];
        if (next.Id == former.Id)
        {
            next = SealingKey.Create();
            file.Replace([next, former]);
        }
        if (isPreparing)
            return new RotationReport(next.Id, null);
        await services.Database.WriteAsync(
            async (transaction, token) =>
            {
                // Another machine's file may have had another new key.
                if ((await secrets.CurrentKeyAsync(transaction, token)).Id != former.Id)
                    throw FaultException.Conflict("change the hub's key: somebody else has just done so");
                await secrets.ChangeAsync(transaction, next, services.Time, token);
                await services.Accounts.Audit.RecordAsync(
                    transaction, actor, AuditActions.SecretsRotate, "", $"key {former.Id} to {next.Id}", token);
                return true;
            }, cancellationToken);
        string kept = file.Keep(former);
        file.Replace([next]);
        return new RotationReport(next.Id, kept);
    }
}
