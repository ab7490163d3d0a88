using Berth.Registry.Tokens;

namespace Berth.Registry.Tests.Tokens;

/// <summary>One key, without a database.</summary>
internal sealed class MemoryKeys(TimeProvider time) : ISigningKeys
{
    public SigningKey Key { get; } = SigningKey.Create(time.GetUtcNow());

    public ValueTask<SigningKey> CurrentAsync(CancellationToken cancellationToken) => new(Key);

    public ValueTask<SigningKey?> FindAsync(string id, CancellationToken cancellationToken) => new(id == Key.Id ? Key : null);
}
