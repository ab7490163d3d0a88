using Berth.Registry.Access;
using Berth.Registry.Model;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Berth.Registry.Tokens;

/// <summary>Finds out who sent a request: by bearer token, by password or token directly, or by a browser's session.</summary>
public sealed class CallerReader(BearerTokens bearers, SignIn signIn, AccountDirectory directory, PublicAddress address) : ICallerReader
{
    /// <summary>The path of the token service.</summary>
    public const string TokenPath = "/auth/token";

    private const string CatalogPath = "/v2/_catalog";

    // Docker asks for registry:catalog:search before it searches as somebody.
    private const string SearchPath = "/v1/search";

    /// <inheritdoc/>
    public async ValueTask<Caller?> ReadAsync(HttpContext context, CancellationToken cancellationToken)
    {
        // Several parts ask during one request.
        if (context.Items.TryGetValue(typeof(Caller), out object? known))
            return (Caller?)known;
        Caller? caller = await LookAsync(context, cancellationToken);
        context.Items[typeof(Caller)] = caller;
        return caller;
    }

    private async ValueTask<Caller?> LookAsync(HttpContext context, CancellationToken cancellationToken)
    {
        string? from = AddressOf(context);
        StringValues headers = context.Request.Headers.Authorization;
        if (headers.Count == 0)
        {
            Caller? session = SessionCookie.Read(context) is { } secret ? await signIn.WithSessionAsync(secret, cancellationToken) : null;
            // An old session is no wrong answer: what is public stays readable.
            return (session ?? Caller.Anonymous) with { RemoteAddress = from };
        }
        if (headers.Count > 1 || !AuthorizationHeader.TryParse(headers[0], out AuthorizationHeader header))
            return null;
        if (header.Name is { } name)
            return await signIn.WithPasswordAsync(name, header.Secret, from, cancellationToken);
        Caller? caller = SecretText.TryRead(header.Secret, out _)
            ? await signIn.WithTokenAsync(header.Secret, name: null, from, cancellationToken)
            : await WithBearerAsync(context, header.Secret, cancellationToken);
        return caller is null ? null : caller with { RemoteAddress = from };
    }

    /// <inheritdoc/>
    public string ChallengeFor(HttpContext context, RepositoryName? repository, RepositoryAccess wanted)
    {
        string challenge = $"Bearer realm=\"{address.Of(context)}{TokenPath}\",service=\"{bearers.Service}\"";
        // As docker-registry asks it: clients that push with the token of their first upload also look for what is there already.
        RepositoryAccess asked = wanted.HasFlag(RepositoryAccess.Push) ? wanted | RepositoryAccess.Pull : wanted;
        if (repository is { } name && ScopeText.ActionsOf(asked) is { Count: > 0 } actions)
            challenge += $",scope=\"repository:{name.Value}:{string.Join(',', actions)}\"";
        else if (context.Request.Path == CatalogPath)
            challenge += ",scope=\"registry:catalog:*\"";
        // RFC 6750, 3.1: the difference between a token that is no good and one that is not good for this.
        if (context.Request.Headers.Authorization.Count > 0)
            challenge += repository is null ? ",error=\"invalid_token\"" : ",error=\"insufficient_scope\"";
        return challenge;
    }

    /// <summary>Where a request came from; behind a trusted proxy, what that one says.</summary>
    public static string? AddressOf(HttpContext context)
    {
        System.Net.IPAddress? remote = context.Connection.RemoteIpAddress;
        return (remote is { IsIPv4MappedToIPv6: true } ? remote.MapToIPv4() : remote)?.ToString();
    }

    private async ValueTask<Caller?> WithBearerAsync(HttpContext context, string token, CancellationToken cancellationToken)
    {
        if (await bearers.ReadAsync(token, cancellationToken) is not { } claims)
            return null;
        if (claims.AccountId is not { } account)
            return Caller.Anonymous;
        Caller? owner;
        if (claims.TokenId is { } id)
        {
            // Revoked since, or narrowed: what it was given for is looked at again.
            if (await directory.TokenAsync(id, cancellationToken) is not { } stored || stored.AccountId != account)
                return null;
            owner = await signIn.CallerAsync(stored, cancellationToken);
        }
        else
            owner = await directory.RightsAsync(account, cancellationToken) is { IsDisabled: false } rights
                ? new Caller { AccountId = account, Name = rights.Name } : null;
        if (owner is null)
            return null;
        // The list shows what its owner may see; a token for it opens none of that.
        bool isCatalog = claims.IncludesCatalog && (context.Request.Path == CatalogPath || context.Request.Path == SearchPath);
        return owner with { IsAdministrator = false, Limits = owner.Scopes, IsByBearer = true, Scopes = isCatalog ? owner.Scopes
            : Narrow(claims, owner.Scopes) };
    }

    private static List<TokenScope> Narrow(BearerClaims claims, IReadOnlyList<TokenScope>? limits)
    {
        var scopes = new List<TokenScope>(claims.Access.Count);
        foreach (TokenScope scope in claims.Access)
        {
            if (RepositoryName.TryParse(scope.Repository, out RepositoryName name))
                scopes.Add(scope with { Access = scope.Access & TokenScopes.Of(limits, name) });
        }
        return scopes;
    }
}
