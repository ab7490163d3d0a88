using System.Text.Json;
using Berth.Registry.Access;
using Berth.Registry.Accounts;
using Berth.Registry.Model;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Berth.Registry.Tokens;

/// <summary>The token service: <c>GET</c> and <c>POST /auth/token</c>.</summary>
/// <remarks>
/// Distribution, "Token Authentication Specification" and "OAuth2 Token Authentication". A token holds what was asked for and is permitted;
/// what is not permitted is left out without a word, so that nobody learns what exists.
/// </remarks>
public sealed class TokenEndpoints(
    BearerTokens bearers, SignIn signIn, ICallerReader callers, SecretStore secrets, IAccessRules access, TimeProvider time)
{
    private const int FormBytesMax = 64 * 1024;

    /// <summary>Whether a request is for the token service.</summary>
    public static bool Owns(HttpContext context) => context.Request.Path == CallerReader.TokenPath;

    /// <summary>Answers a request.</summary>
    /// <exception cref="TooManyAttemptsException">There were too many wrong passwords or tokens.</exception>
    public async Task HandleAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        Task work = context.Request.Method switch
        {
            "GET" => GetAsync(context),
            "POST" => PostAsync(context),
            _ => RefuseMethodAsync(context),
        };
        await work;
    }

    private static Task RefuseMethodAsync(HttpContext context)
    {
        context.Response.Headers.Allow = "GET, POST";
        return RefuseAsync(context, StatusCodes.Status405MethodNotAllowed, "UNSUPPORTED", "invalid_request", "GET or POST is expected");
    }

    private async Task GetAsync(HttpContext context)
    {
        IQueryCollection query = context.Request.Query;
        string? from = CallerReader.AddressOf(context);
        Caller? caller = Caller.Anonymous with { RemoteAddress = from };
        StringValues headers = context.Request.Headers.Authorization;
        if (headers.Count > 0)
        {
            caller = headers.Count == 1 && AuthorizationHeader.TryParse(headers[0], out AuthorizationHeader header)
                // One bearer token is not good for another.
                && (header.Name is not null || SecretText.TryRead(header.Secret, out _))
                // Remembered where limits have asked already: proved twice, a wrong password or token would count twice.
                ? await callers.ReadAsync(context, context.RequestAborted)
                : null;
        }
        bool wantsRefresh = query["offline_token"] == "true";
        await AnswerAsync(context, caller, query["service"], query["scope"], wantsRefresh, refreshToken: null, tellsScope: false);
    }

    private async Task PostAsync(HttpContext context)
    {
        if (!context.Request.HasFormContentType)
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, "UNSUPPORTED", "invalid_request", "a form is expected");
            return;
        }
        if (await ReadFormAsync(context) is not { } form)
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, "UNSUPPORTED", "invalid_request",
                "the form is too large or malformed");
            return;
        }
        string? from = CallerReader.AddressOf(context);
        string grant = form["grant_type"].ToString();
        string refresh = form["refresh_token"].ToString();
        Caller? caller = grant switch
        {
            "password" => await signIn.WithPasswordAsync(
                form["username"].ToString(), form["password"].ToString(), from, context.RequestAborted),
            "refresh_token" => await signIn.WithRefreshTokenAsync(refresh, context.RequestAborted),
            _ => Caller.Anonymous,
        };
        if (grant is not ("password" or "refresh_token"))
        {
            await RefuseAsync(
                context, StatusCodes.Status400BadRequest, "UNSUPPORTED", "unsupported_grant_type", "password or refresh_token is expected");
            return;
        }
        bool wantsRefresh = grant == "password" && form["access_type"] == "offline";
        await AnswerAsync(
            context, caller, form["service"], form["scope"], wantsRefresh, grant == "refresh_token" ? refresh : null, tellsScope: true);
    }

    private async Task AnswerAsync(
        HttpContext context, Caller? caller, StringValues service, StringValues scopes, bool wantsRefresh, string? refreshToken,
            bool tellsScope)
    {
        CancellationToken cancellationToken = context.RequestAborted;
        if (caller is null)
        {
            context.Response.Headers.WWWAuthenticate = $"Basic realm=\"{bearers.Service}\"";
            await RefuseAsync(
                context, StatusCodes.Status401Unauthorized, "UNAUTHORIZED", "invalid_grant", "incorrect username, password or token");
            return;
        }
        if (service.ToString() is { Length: > 0 } wanted && wanted != bearers.Service)
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, "UNSUPPORTED", "invalid_request", "this hub is another service");
            return;
        }
        if (!ScopeText.TryParse(scopes, out IReadOnlyList<RequestedScope> requested))
        {
            await RefuseAsync(
                context, StatusCodes.Status400BadRequest, "UNSUPPORTED", "invalid_scope",
                    "a scope is not TYPE:NAME:ACTION,… or there are too many");
            return;
        }
        // A refresh token dies with the token that it was given for, and stands for it in what it gives.
        if (wantsRefresh && caller.AccountId is { } account
            && (refreshToken = await TryBeginSessionAsync(account, caller, cancellationToken)) is not null)
            caller = await signIn.WithRefreshTokenAsync(refreshToken, cancellationToken) ?? caller;
        BearerClaims claims = await GrantAsync(caller, requested, cancellationToken);
        string token = await bearers.IssueAsync(claims, cancellationToken);
        await WriteAsync(context, new TokenAnswer
        {
            Token = token,
            AccessToken = token,
            ExpiresIn = (int)BearerTokens.Lifetime.TotalSeconds,
            IssuedAt = time.GetUtcNow(),
            RefreshToken = refreshToken,
            Scope = tellsScope ? string.Join(' ', claims.Access.Select(
                scope => $"repository:{scope.Repository}:{string.Join(',', ScopeText.ActionsOf(scope.Access))}")) : null,
        });
    }

    // Null where the database cannot be written, as on a full disk: clients go on with their password then, and can pull.
    private async Task<string?> TryBeginSessionAsync(long account, Caller caller, CancellationToken cancellationToken)
    {
        try
        {
            return await secrets.BeginSessionAsync(
                SecretKind.Refresh, account, caller.TokenId, caller.HtpasswdMark, cancellationToken);
        }
        catch (FaultException fault) when (fault.Kind is FaultKind.Unavailable)
        {
            return null;
        }
    }

    private async ValueTask<BearerClaims> GrantAsync(
        Caller caller, IReadOnlyList<RequestedScope> requested, CancellationToken cancellationToken)
    {
        var granted = new List<TokenScope>(requested.Count);
        foreach (RequestedScope scope in requested)
        {
            if (scope.Type != "repository" || !RepositoryName.TryParse(scope.Name, out RepositoryName name))
                continue;
            RepositoryAccess allowed = await access.OfAsync(caller, name, cancellationToken);
            if (allowed is RepositoryAccess.None && await access.MayCreateAsync(caller, name, cancellationToken))
                allowed = RepositoryAccess.Pull | RepositoryAccess.Push;
            if ((allowed & scope.Access) is not RepositoryAccess.None and { } part)
                granted.Add(new TokenScope(name.Value, part));
        }
        return new BearerClaims
        {
            AccountId = caller.AccountId,
            Name = caller.Name ?? "",
            TokenId = caller.TokenId,
            Access = granted,
            IncludesCatalog = requested.Any(scope => scope is { Type: "registry", Name: "catalog" }
                && (scope.Actions.Contains("*") || scope.Actions.Contains("search"))),
        };
    }

    private static async Task<IFormCollection?> ReadFormAsync(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = FormBytesMax;
        try
        {
            return await context.Request.ReadFormAsync(
                new FormOptions { BufferBodyLengthLimit = FormBytesMax, ValueCountLimit = 128, ValueLengthLimit = FormBytesMax,
                    KeyLengthLimit = 256 },
                context.RequestAborted);
        }
        catch (Exception wrong) when (wrong is InvalidDataException or BadHttpRequestException)
        {
            return null;
        }
    }

    private static Task RefuseAsync(HttpContext context, int status, string code, string error, string description)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        var refusal = new TokenRefusal { Errors = [new(code, description)], Error = error, Description = description };
        return context.Response.Body.WriteAsync(
            JsonSerializer.SerializeToUtf8Bytes(refusal, TokenJson.Default.TokenRefusal), context.RequestAborted).AsTask();
    }

    private static Task WriteAsync(HttpContext context, TokenAnswer answer)
    {
        context.Response.ContentType = "application/json";
        return context.Response.Body.WriteAsync(
            JsonSerializer.SerializeToUtf8Bytes(answer, TokenJson.Default.TokenAnswer), context.RequestAborted).AsTask();
    }
}
