namespace Berth.Registry.Tokens;

/// <summary>The hub's keys for bearer tokens. They are kept in the database, so all processes of a hub accept each other's
/// tokens.</summary>
public interface ISigningKeys
{
    /// <summary>The key to sign with now; made when there is none or the last has signed long enough.</summary>
    ValueTask<SigningKey> CurrentAsync(CancellationToken cancellationToken);

    /// <summary>The key of a name; null when there is none or its time is over.</summary>
    ValueTask<SigningKey?> FindAsync(string id, CancellationToken cancellationToken);
}
