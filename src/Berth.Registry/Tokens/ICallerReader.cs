using Berth.Registry.Model;
using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Tokens;

/// <summary>Finds out who sent a request.</summary>
public interface ICallerReader
{
    /// <summary>Reads the Authorization header or the session cookie; null: credentials were given and are wrong.</summary>
    ValueTask<Caller?> ReadAsync(HttpContext context, CancellationToken cancellationToken);

    /// <summary>The WWW-Authenticate header of a 401 beneath <c>/v2</c>.</summary>
    string ChallengeFor(HttpContext context, RepositoryName? repository, RepositoryAccess wanted);
}
