using Berth.Registry.Model;
using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Tokens;

/// <summary>The open hub knows no accounts: everybody is anonymous, whatever credentials come along.</summary>
public sealed class OpenCallers : ICallerReader
{
    /// <inheritdoc/>
    public ValueTask<Caller?> ReadAsync(HttpContext context, CancellationToken cancellationToken) => new(Caller.Anonymous);

    /// <inheritdoc/>
    public string ChallengeFor(HttpContext context, RepositoryName? repository, RepositoryAccess wanted) => "Basic realm=\"berth-hub\"";
}
