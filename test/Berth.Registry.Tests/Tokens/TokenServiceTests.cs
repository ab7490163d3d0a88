using System.Buffers.Text;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Berth.Registry.Accounts;
using Berth.Registry.Model;
using Berth.Registry.Tests.Serving;
using Berth.Registry.Tokens;

namespace Berth.Registry.Tests.Tokens;

/// <summary>The token service as clients meet it.</summary>
public sealed class TokenServiceTests : IAsyncLifetime
{
    private const string AllOf = "repository:alice/app:pull,push,delete";
    private RunningHub _hub = null!;
    private UserAccount _alice = null!;

    public async ValueTask InitializeAsync()
    {
        _hub = await RunningHub.StartAsync();
        _alice = await _hub.UserAsync("alice");
        await _hub.UserAsync("bob");
        await _hub.RepositoryAsync("alice/app", "private");
        await _hub.RepositoryAsync("alice/open", "public");
    }

    public ValueTask DisposeAsync() => _hub.DisposeAsync();

    [Fact]
    public async Task VersionCheck_WithoutCredentials_TellsWhereTokensAre()
    {
        (HttpStatusCode status, JsonElement body, HttpResponseHeaders headers) = await _hub.GetAsync("/v2/");
        Assert.Equal(HttpStatusCode.Unauthorized, status);
        Assert.Equal($"Bearer realm=\"http://{_hub.Client.BaseAddress!.Authority}/auth/token\",service=\"berth-hub\"", headers.WwwAuthenticate.Single().ToString());
        Assert.Equal("UNAUTHORIZED", body.GetProperty("errors")[0].GetProperty("code").GetString());
        Assert.Equal(HttpStatusCode.OK, (await _hub.GetAsync("/v2/", RunningHub.Basic("alice"))).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await _hub.GetAsync("/v2/", RunningHub.Basic("alice", "wrong horse"))).Status);
        Assert.Equal(HttpStatusCode.OK, (await _hub.GetAsync("/v2/", new("Bearer", await TokenAsync("/auth/token?service=berth-hub", null)))).Status);
    }

    [Theory]
    [InlineData("GET", "manifests/v1", "pull")]
    [InlineData("POST", "blobs/uploads/", "pull,push")]
    [InlineData("PUT", "manifests/v1", "pull,push")]
    [InlineData("DELETE", "manifests/v1", "delete")]
    public async Task Challenge_NamesWhatThatKindOfWorkNeeds(string method, string path, string actions)
    {
        using HttpResponseMessage answer = await _hub.SendAsync(new HttpMethod(method), $"/v2/alice/app/{path}");
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Contains($",scope=\"repository:alice/app:{actions}\"", answer.Headers.WwwAuthenticate.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("alice", AllOf, "alice/app:pull,push,delete")]
    [InlineData("alice", "repository:alice/app:pull", "alice/app:pull")]
    [InlineData("alice", "repository:alice/new:pull,push,delete", "alice/new:pull,push")]
    [InlineData("alice", "repository:alice/app:pull repository:bob/app:pull", "alice/app:pull")]
    [InlineData("alice", "repository:alice/app:pull&scope=repository:alice/open:push", "alice/app:pull;alice/open:push")]
    [InlineData("bob", AllOf, "")]
    [InlineData("bob", "repository:alice/unknown:pull,push", "")]
    [InlineData("bob", "repository:alice/open:pull,push", "alice/open:pull")]
    [InlineData("bob", "repository:busybox:pull,push", "")]
    [InlineData(null, AllOf, "")]
    [InlineData(null, "repository:alice/open:pull,push", "alice/open:pull")]
    [InlineData(null, "repository:alice/../alice/open:pull", "")]
    [InlineData("alice", "plugin:alice/app:pull", "")]
    public async Task Token_HoldsWhatWasAskedForAndIsPermitted(string? user, string scope, string granted)
    {
        string token = await TokenAsync($"/auth/token?service=berth-hub&scope={scope}", user);
        Assert.Equal(granted, AccessOf(token));
    }

    [Fact]
    public async Task Answer_HasBothSpellings_AndIsNotCached()
    {
        (_, JsonElement body, HttpResponseHeaders headers) = await _hub.GetAsync("/auth/token?service=berth-hub", RunningHub.Basic("alice"));
        Assert.Equal(body.GetProperty("token").GetString(), body.GetProperty("access_token").GetString());
        Assert.Equal(300, body.GetProperty("expires_in").GetInt32());
        Assert.Equal(_hub.Time.GetUtcNow(), body.GetProperty("issued_at").GetDateTimeOffset());
        Assert.False(body.TryGetProperty("refresh_token", out _));
        Assert.True(headers.CacheControl!.NoStore);
    }

    [Theory]
    [InlineData("/auth/token?service=other")]
    [InlineData("/auth/token?service=berth-hub&scope=nonsense")]
    public async Task Request_OutOfTheProtocol_Is400(string path) =>
        Assert.Equal(HttpStatusCode.BadRequest, (await _hub.GetAsync(path, RunningHub.Basic("alice"))).Status);

    [Fact]
    public async Task WrongCredentials_Are401_InBothForms()
    {
        (HttpStatusCode status, JsonElement body, _) = await _hub.GetAsync("/auth/token?service=berth-hub", RunningHub.Basic("alice", "wrong horse"));
        Assert.Equal(HttpStatusCode.Unauthorized, status);
        Assert.Equal("UNAUTHORIZED", body.GetProperty("errors")[0].GetProperty("code").GetString());
        (status, body, _) = await _hub.PostAsync("/auth/token", ("grant_type", "password"), ("username", "alice"), ("password", "wrong horse"));
        Assert.Equal(HttpStatusCode.Unauthorized, status);
        Assert.Equal("invalid_grant", body.GetProperty("error").GetString());
        Assert.Equal(HttpStatusCode.Unauthorized, (await _hub.GetAsync("/auth/token", new("Basic", "!!"))).Status);
        (status, body, _) = await _hub.PostAsync("/auth/token", ("grant_type", "client_credentials"));
        Assert.Equal((HttpStatusCode.BadRequest, "unsupported_grant_type"), (status, body.GetProperty("error").GetString()));
    }

    [Fact]
    public async Task RefreshToken_GivesTokens_UntilThePasswordChanges()
    {
        (_, JsonElement body, _) = await _hub.GetAsync("/auth/token?service=berth-hub&offline_token=true&client_id=test", RunningHub.Basic("alice"));
        string refresh = body.GetProperty("refresh_token").GetString()!;
        Assert.StartsWith("bhf_", refresh);
        (HttpStatusCode status, body, _) = await RefreshAsync(refresh);
        Assert.Equal(HttpStatusCode.OK, status);
        string token = body.GetProperty("access_token").GetString()!;
        Assert.Equal("alice/app:pull,push,delete", AccessOf(token));
        Assert.Equal("repository:alice/app:pull,push,delete", body.GetProperty("scope").GetString());
        Assert.Equal(refresh, body.GetProperty("refresh_token").GetString());
        Assert.Equal(HttpStatusCode.OK, (await _hub.GetAsync("/v2/", new("Bearer", token))).Status);
        // It is no password.
        Assert.Equal(HttpStatusCode.Unauthorized, (await _hub.GetAsync("/v2/", RunningHub.Basic("alice", refresh))).Status);
        await _hub.Services.Accounts.Users.SetPasswordAsync(RunningHub.Operator, "alice", "another horse", default);
        Assert.Equal(HttpStatusCode.Unauthorized, (await RefreshAsync(refresh)).Status);
        // Nor is what it gave.
        Assert.Equal(HttpStatusCode.Unauthorized, (await _hub.GetAsync("/v2/", new("Bearer", token))).Status);
    }

    [Fact]
    public async Task BearerToken_ForThePasswordItself_OutlivesItsChange_ForItsLifetimeAtMost()
    {
        string token = await TokenAsync("/auth/token?service=berth-hub", "alice");
        await _hub.Services.Accounts.Users.SetPasswordAsync(RunningHub.Operator, "alice", "another horse", default);
        Assert.Equal(HttpStatusCode.Unauthorized, (await _hub.GetAsync("/auth/token?service=berth-hub", RunningHub.Basic("alice"))).Status);
        // As docs/hub.md says: nothing but its own end stands between it and the account.
        Assert.Equal(HttpStatusCode.OK, (await _hub.GetAsync("/v2/", new("Bearer", token))).Status);
        _hub.Time.Advance(BearerTokens.Lifetime + BearerTokens.ClockSkew);
        Assert.Equal(HttpStatusCode.Unauthorized, (await _hub.GetAsync("/v2/", new("Bearer", token))).Status);
    }

    [Fact]
    public async Task PasswordGrant_GivesARefreshToken_WhenAskedFor()
    {
        (HttpStatusCode status, JsonElement body, _) = await _hub.PostAsync(
            "/auth/token", ("grant_type", "password"), ("username", "alice"), ("password", RunningHub.Password), ("service", "berth-hub"),
            ("client_id", "test"), ("access_type", "offline"), ("scope", AllOf));
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(HttpStatusCode.OK, (await RefreshAsync(body.GetProperty("refresh_token").GetString()!)).Status);
    }

    [Fact]
    public async Task PersonalToken_NarrowsWhatItGives_AndTakesItBackWhenRevoked()
    {
        (_, string secret) = await _hub.Services.Accounts.Secrets.CreateTokenAsync(
            RunningHub.Operator, SecretKind.Personal, _alice.Id, "ci", TokenScopes.Parse(["alice/app:pull"]), null, default);
        (_, JsonElement body, _) = await _hub.GetAsync(
            $"/auth/token?service=berth-hub&offline_token=true&scope={AllOf} repository:alice/other:push", RunningHub.Basic("alice", secret));
        string token = body.GetProperty("token").GetString()!;
        Assert.Equal("alice/app:pull", AccessOf(token));
        string refresh = body.GetProperty("refresh_token").GetString()!;
        Assert.Equal("alice/app:pull", AccessOf((await RefreshAsync(refresh)).Body.GetProperty("token").GetString()!));
        Assert.Equal(HttpStatusCode.OK, (await _hub.GetAsync("/v2/", new("Bearer", secret))).Status);
        Assert.Equal(HttpStatusCode.OK, (await _hub.GetAsync("/v2/", new("Bearer", token))).Status);
        await _hub.Services.Accounts.Secrets.RevokeTokenAsync(RunningHub.Operator, _alice.Id, "ci", default);
        foreach (string dead in new[] { secret, token })
            Assert.Equal(HttpStatusCode.Unauthorized, (await _hub.GetAsync("/v2/", new("Bearer", dead))).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await RefreshAsync(refresh)).Status);
    }

    [Fact]
    public async Task BearerToken_CarriesNoMoreThanItsOwnerHasNow()
    {
        string token = await TokenAsync($"/auth/token?service=berth-hub&scope={AllOf}", "alice");
        BearerClaims claims = (await _hub.Services.Accounts.Bearers.ReadAsync(token, default))!;
        Assert.Equal(_alice.Id, claims.AccountId);
        await _hub.Services.Accounts.Users.SetDisabledAsync(RunningHub.Operator, "alice", true, default);
        Assert.Equal(HttpStatusCode.Unauthorized, (await _hub.GetAsync("/v2/", new("Bearer", token))).Status);
    }

    [Fact]
    public async Task Guessing_IsAnswered429_WithTheTimeToWait()
    {
        for (int i = 0; i < LoginThrottle.PairFailuresMax; i++)
            Assert.Equal(HttpStatusCode.Unauthorized, (await _hub.GetAsync("/auth/token", RunningHub.Basic("alice", $"guess number {i}"))).Status);
        (HttpStatusCode status, JsonElement body, HttpResponseHeaders headers) = await _hub.GetAsync("/auth/token", RunningHub.Basic("alice"));
        Assert.Equal(HttpStatusCode.TooManyRequests, status);
        Assert.Equal("TOOMANYREQUESTS", body.GetProperty("errors")[0].GetProperty("code").GetString());
        Assert.Equal(TimeSpan.FromSeconds(2), headers.RetryAfter!.Delta);
        _hub.Time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(HttpStatusCode.OK, (await _hub.GetAsync("/auth/token", RunningHub.Basic("alice"))).Status);
    }

    [Fact]
    public async Task Form_TooLarge_OrNone_Is400()
    {
        Assert.Equal(HttpStatusCode.BadRequest, (await _hub.PostAsync("/auth/token", ("grant_type", new string('x', 100_000)))).Status);
        using HttpResponseMessage json = await _hub.Client.PostAsync("/auth/token", new StringContent("{}", Encoding.UTF8, "application/json"));
        Assert.Equal(HttpStatusCode.BadRequest, json.StatusCode);
        using HttpResponseMessage put = await _hub.Client.PutAsync("/auth/token", null);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, put.StatusCode);
    }

    [Fact]
    public async Task SessionCookie_IsGoodForOwnPagesOnly()
    {
        string session = await _hub.Services.Accounts.SignIn.BeginSessionAsync(new Caller { AccountId = _alice.Id, Name = "alice" }, default);
        Assert.Equal("alice", (await CallerAsync(HttpMethods.Get, session, null, null))?.Name);
        Assert.Equal("alice", (await CallerAsync(HttpMethods.Post, session, "same-origin", null))?.Name);
        Assert.Equal("alice", (await CallerAsync(HttpMethods.Post, session, null, "http://hub.example:5000"))?.Name);
        Assert.Null((await CallerAsync(HttpMethods.Post, session, "same-site", null))?.Name);
        Assert.Null((await CallerAsync(HttpMethods.Post, session, "cross-site", "http://hub.example:5000"))?.Name);
        Assert.Null((await CallerAsync(HttpMethods.Post, session, null, "http://evil.example"))?.Name);
        Assert.Null((await CallerAsync(HttpMethods.Post, session, null, null))?.Name);
        Assert.NotNull(await CallerAsync(HttpMethods.Get, "bhs_old", null, null));
    }

    private static class HttpMethods
    {
        public const string Get = "GET";
        public const string Post = "POST";
    }

    private async Task<Caller?> CallerAsync(string method, string session, string? site, string? origin)
    {
        var context = new Microsoft.AspNetCore.Http.DefaultHttpContext();
        context.Request.Method = method;
        context.Request.Scheme = "http";
        context.Request.Host = new("hub.example:5000");
        context.Request.Headers.Cookie = $"berth_session={session}";
        if (site is not null)
            context.Request.Headers["Sec-Fetch-Site"] = site;
        if (origin is not null)
            context.Request.Headers.Origin = origin;
        return await _hub.Services.Accounts.Callers.ReadAsync(context, default);
    }

    private Task<(HttpStatusCode Status, JsonElement Body, HttpResponseHeaders Headers)> RefreshAsync(string refresh) => _hub.PostAsync(
        "/auth/token", ("grant_type", "refresh_token"), ("refresh_token", refresh), ("service", "berth-hub"), ("client_id", "test"), ("scope", AllOf));

    private async Task<string> TokenAsync(string path, string? user)
    {
        (HttpStatusCode status, JsonElement body, _) = await _hub.GetAsync(path, user is null ? null : RunningHub.Basic(user));
        Assert.Equal(HttpStatusCode.OK, status);
        return body.GetProperty("token").GetString()!;
    }

    private static string AccessOf(string token)
    {
        JsonElement payload = JsonElement.Parse(Base64Url.DecodeFromChars(token.Split('.')[1]));
        return string.Join(';', payload.GetProperty("access").EnumerateArray().Select(entry =>
            $"{entry.GetProperty("name").GetString()}:{string.Join(',', entry.GetProperty("actions").EnumerateArray().Select(action => action.GetString()))}"));
    }
}
