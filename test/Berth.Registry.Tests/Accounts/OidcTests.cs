using System.Net;
using Berth.Registry.Accounts;
using Berth.Registry.Accounts.Oidc;
using Berth.Registry.Audit;
using Berth.Registry.Model;
using Berth.Registry.Tests.Serving;

namespace Berth.Registry.Tests.Accounts;

public sealed class OidcTests : IAsyncLifetime
{
    private TestProvider _provider = null!;
    private RunningHub _hub = null!;

    public async ValueTask InitializeAsync()
    {
        _provider = await TestProvider.StartAsync();
        _hub = await StartAsync(makesAccounts: true);
        _provider.Now = _hub.Time.GetUtcNow();
    }

    public async ValueTask DisposeAsync()
    {
        await _hub.DisposeAsync();
        await _provider.DisposeAsync();
    }

    [Fact]
    public async Task FirstSignIn_MakesAnAccount_TheNextFindsIt()
    {
        _provider.Claims["name"] = "Alice Smith";
        _provider.Claims["email"] = "alice@campus.example";
        _provider.Claims["email_verified"] = true;
        (HttpResponseMessage answer, string? session) = await SignInAsync("/alice/app?tab=tags");
        Assert.Equal((HttpStatusCode.Redirect, "/alice/app?tab=tags"), (answer.StatusCode, answer.Headers.Location!.OriginalString));
        Caller caller = (await _hub.Services.Accounts.SignIn.WithSessionAsync(session!, default))!;
        Assert.Equal(("alice-smith", false), (caller.Name, caller.IsAdministrator));
        UserAccount user = (await _hub.Services.Accounts.Users.FindAsync("alice-smith", default))!;
        Assert.Equal(("Alice Smith", "alice@campus.example", false), (user.DisplayName, user.Email, user.HasPassword));
        // Whatever their name there is now, it is the same person.
        _provider.Claims["preferred_username"] = "somebody";
        (_, session) = await SignInAsync("/");
        Assert.Equal(user.Id, (await _hub.Services.Accounts.SignIn.WithSessionAsync(session!, default))!.AccountId);
        // Without a password nobody comes in by password.
        Assert.Null(await _hub.Services.Accounts.SignIn.WithPasswordAsync("alice-smith", "", null, default));
    }

    [Fact]
    public async Task NameOfAnExistingAccount_OpensNotThatOne()
    {
        UserAccount alice = await _hub.UserAsync("alice-smith");
        await _hub.RepositoryAsync("alice-smith-2/app", "private");
        _provider.Claims["email"] = "alice@campus.example";
        (_, string? session) = await SignInAsync("/");
        Caller caller = (await _hub.Services.Accounts.SignIn.WithSessionAsync(session!, default))!;
        Assert.NotEqual(alice.Id, caller.AccountId);
        Assert.Equal("alice-smith-3", caller.Name);
        Assert.Equal("", (await _hub.Services.Accounts.Users.FindAsync("alice-smith-3", default))!.Email);
    }

    [Fact]
    public async Task Account_MayBeBoundByAnOperator()
    {
        await using RunningHub closed = await StartAsync(makesAccounts: false);
        (HttpResponseMessage answer, string? session) = await SignInAsync("/", closed);
        Assert.Equal((HttpStatusCode.Forbidden, null), (answer.StatusCode, session));
        await closed.UserAsync("alice");
        await closed.UserAsync("bob");
        await closed.Services.Accounts.OidcAccounts.LinkAsync(RunningHub.Operator, "alice", _provider.Issuer, "s-1", default);
        await Assert.ThrowsAsync<Berth.Faults.FaultException>(() => closed.Services.Accounts.OidcAccounts.LinkAsync(
            RunningHub.Operator, "bob", _provider.Issuer, "s-1", default));
        (_, session) = await SignInAsync("/", closed);
        Assert.Equal("alice", (await closed.Services.Accounts.SignIn.WithSessionAsync(session!, default))!.Name);
        await closed.Services.Accounts.Users.SetDisabledAsync(RunningHub.Operator, "alice", true, default);
        (answer, session) = await SignInAsync("/", closed);
        Assert.Equal((HttpStatusCode.Forbidden, null), (answer.StatusCode, session));
    }

    [Fact]
    public async Task FirstSignIns_AtOnce_MakeOneAccount()
    {
        OidcAccounts accounts = _hub.Services.Accounts.OidcAccounts;
        OidcIdentity identity = new("s-7", "carol", "Carol", "");
        long first = await accounts.FindOrCreateAsync(_provider.Issuer, identity, null, default);
        // Whoever looked before the first had made it comes here, too.
        Assert.Equal(first, await accounts.FindOrCreateAsync(_provider.Issuer, identity, null, default));
        long[] ids = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ =>
            accounts.FindOrCreateAsync(_provider.Issuer, identity with { Subject = "s-8" }, null, default)));
        Assert.Single(ids.Distinct());
        Assert.Null(await _hub.Services.Accounts.Users.FindAsync("carol-3", default));
    }

    [Fact]
    public async Task SignIn_IsTheLastSignIn()
    {
        await SignInAsync("/");
        Assert.Equal(
            _hub.Time.GetUtcNow().ToUnixTimeMilliseconds(),
            (await _hub.Services.Accounts.Users.FindAsync("alice-smith", default))!.LastSignInAt?.ToUnixTimeMilliseconds());
    }

    [Fact]
    public async Task Account_MayBeUnboundByAnOperator()
    {
        await using RunningHub closed = await StartAsync(makesAccounts: false);
        await closed.UserAsync("alice");
        await closed.UserAsync("bob");
        OidcAccounts accounts = closed.Services.Accounts.OidcAccounts;
        await accounts.LinkAsync(RunningHub.Operator, "alice", _provider.Issuer, "s-1", default);
        (_, string? session) = await SignInAsync("/", closed);
        var fault = await Assert.ThrowsAsync<Berth.Faults.FaultException>(
            () => accounts.UnlinkAsync(RunningHub.Operator, "bob", _provider.Issuer, "s-1", default));
        Assert.Equal(Berth.Faults.FaultKind.NotFound, fault.Kind);
        await accounts.UnlinkAsync(RunningHub.Operator, "alice", _provider.Issuer, "s-1", default);
        Assert.Null(await closed.Services.Accounts.SignIn.WithSessionAsync(session!, default));
        Assert.Equal(HttpStatusCode.Forbidden, (await SignInAsync("/", closed)).Answer.StatusCode);
    }

    [Fact]
    public async Task Refusal_IsAPageWithAWayOn_AndStandsInTheAuditLog()
    {
        await using RunningHub closed = await StartAsync(makesAccounts: false);
        (HttpResponseMessage answer, _) = await SignInAsync("/", closed);
        Assert.Equal((HttpStatusCode.Forbidden, "text/html"), (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
        string page = await answer.Content.ReadAsStringAsync();
        Assert.Contains("No account here belongs to you", page, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("href=\"/signin\"", page, StringComparison.Ordinal);
        AuditEntry entry = Assert.Single(await closed.Services.Accounts.Audit.ListAsync(
            new() { Action = AuditActions.UserSignInFailed }, null, 10, default));
        Assert.Contains("no account here belongs to you", entry.Details, StringComparison.Ordinal);
        Assert.Equal("127.0.0.1", entry.Address);
    }

    [Theory]
    [InlineData("aud", "another client")]
    [InlineData("iss", "https://evil.example")]
    [InlineData("nonce", "replayed")]
    [InlineData("azp", "another client")]
    [InlineData("sub", "")]
    [InlineData("exp", 1000)]
    public async Task Token_WithAWrongClaim_IsRefused(string claim, object value)
    {
        _provider.Claims[claim] = value;
        (HttpResponseMessage answer, string? session) = await SignInAsync("/");
        Assert.Equal((HttpStatusCode.Forbidden, null), (answer.StatusCode, session));
    }

    [Theory]
    [InlineData("none")]
    [InlineData("HS256")]
    public async Task Token_WithAnotherAlgorithm_IsRefused(string algorithm)
    {
        _provider.Algorithm = algorithm;
        Assert.Equal(HttpStatusCode.Forbidden, (await SignInAsync("/")).Answer.StatusCode);
    }

    [Fact]
    public async Task Provider_MayChangeItsKeys()
    {
        Assert.Equal(HttpStatusCode.Redirect, (await SignInAsync("/")).Answer.StatusCode);
        _provider.ChangeKey();
        _hub.Time.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal(HttpStatusCode.Redirect, (await SignInAsync("/")).Answer.StatusCode);
        Assert.Equal(2, _provider.KeyRequests);
    }

    [Fact]
    public async Task Answer_InAnotherBrowser_TwiceOrTooLate_IsRefused()
    {
        (Uri target, string cookie) = await BeginAsync("/", _hub);
        Uri back = _provider.SignIn(target);
        Assert.Equal(HttpStatusCode.BadRequest, (await FinishAsync(back, "berth_oidc=other", _hub)).Answer.StatusCode);
        // The attempt was used up by that.
        Assert.Equal(HttpStatusCode.BadRequest, (await FinishAsync(back, cookie, _hub)).Answer.StatusCode);
        (target, cookie) = await BeginAsync("/", _hub);
        back = _provider.SignIn(target);
        _hub.Time.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(HttpStatusCode.BadRequest, (await FinishAsync(back, cookie, _hub)).Answer.StatusCode);
        (target, cookie) = await BeginAsync("/", _hub);
        string state = _provider.SignIn(target).Query.Split("state=")[1];
        Assert.Equal(HttpStatusCode.Forbidden, (await FinishAsync(new Uri(back, $"?error=access_denied&state={state}"), cookie, _hub)).Answer.StatusCode);
        (target, cookie) = await BeginAsync("/", _hub);
        back = new Uri(_provider.SignIn(target).AbsoluteUri + "&iss=https%3A%2F%2Fevil.example");
        Assert.Equal(HttpStatusCode.Forbidden, (await FinishAsync(back, cookie, _hub)).Answer.StatusCode);
    }

    [Theory]
    [InlineData("/alice/app", "/alice/app")]
    [InlineData("https://evil.example/", "/")]
    [InlineData("//evil.example/", "/")]
    [InlineData("/\\evil.example/", "/")]
    [InlineData("/a\r\nSet-Cookie: x", "/")]
    [InlineData("", "/")]
    public void Return_StaysOnTheHub(string wanted, string path) => Assert.Equal(path, OidcEndpoints.LocalPath(wanted));

    [Fact]
    public async Task Provider_ThatIsAway_IsSaidSo()
    {
        await using RunningHub hub = await RunningHub.StartAsync(options => options with
        {
            Accounts = new AccountSettings { Oidc = new OidcSettings { Issuer = "http://127.0.0.1:1", ClientId = "x", Name = "campus" } },
        });
        using HttpResponseMessage answer = await hub.Client.GetAsync(OidcEndpoints.StartPath);
        Assert.Equal(HttpStatusCode.BadGateway, answer.StatusCode);
        Assert.Contains("campus", await answer.Content.ReadAsStringAsync());
    }

    private Task<RunningHub> StartAsync(bool makesAccounts) => RunningHub.StartAsync(options => options with
    {
        Accounts = new AccountSettings
        {
            Oidc = new OidcSettings
            {
                Issuer = _provider.Issuer, ClientId = TestProvider.ClientId, ClientSecret = TestProvider.ClientSecret, Name = "campus",
                MakesAccounts = makesAccounts,
            },
        },
    });

    private async Task<(HttpResponseMessage Answer, string? Session)> SignInAsync(string back, RunningHub? hub = null)
    {
        (Uri target, string cookie) = await BeginAsync(back, hub ?? _hub);
        return await FinishAsync(_provider.SignIn(target), cookie, hub ?? _hub);
    }

    private static async Task<(Uri Target, string Cookie)> BeginAsync(string back, RunningHub hub)
    {
        using HttpResponseMessage response = await hub.Client.GetAsync($"{OidcEndpoints.StartPath}?return_to={Uri.EscapeDataString(back)}");
        Assert.Equal(HttpStatusCode.Redirect, response.StatusCode);
        string cookie = response.Headers.GetValues("Set-Cookie").Single();
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        return (response.Headers.Location!, cookie.Split(';')[0]);
    }

    private static async Task<(HttpResponseMessage Answer, string? Session)> FinishAsync(Uri back, string cookie, RunningHub hub)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, back.PathAndQuery);
        request.Headers.Add("Cookie", cookie);
        HttpResponseMessage answer = await hub.Client.SendAsync(request);
        string? session = answer.Headers.TryGetValues("Set-Cookie", out IEnumerable<string>? cookies)
            ? cookies.FirstOrDefault(one => one.StartsWith("berth_session=", StringComparison.Ordinal)) : null;
        return (answer, session?.Split(';')[0]["berth_session=".Length..]);
    }
}
