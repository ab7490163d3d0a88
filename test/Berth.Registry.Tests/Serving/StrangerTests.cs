using System.Net;
using System.Net.Http.Headers;
using Berth.Registry.Accounts;
using Berth.Registry.Audit;
using Berth.Registry.Database;
using Berth.Registry.Operation.Serving;
using Berth.Registry.Tokens;

namespace Berth.Registry.Tests.Serving;

/// <summary>What a stranger tries from outside: guesses sent at once, addresses that are made up, caches between him and others.</summary>
public sealed class StrangerTests
{
    // Guesses that may be under way when the one comes that is too many.
    private const int TurnsMax = 4;

    [Fact]
    public async Task Guesses_SentAtOnce_AreNoMoreThanOneAfterTheOther()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await hub.UserAsync("alice");
        // Without a network between, all of them are here before the first has been looked at.
        int looked = 0;
        await Task.WhenAll(Enumerable.Range(0, 50).Select(async i =>
        {
            try
            {
                Assert.Null(await hub.Services.Accounts.SignIn.WithPasswordAsync("alice", $"wrong guess {i}", "127.0.0.1", default));
                Interlocked.Increment(ref looked);
            }
            catch (TooManyAttemptsException)
            {
                // Not looked at.
            }
        }));
        Assert.InRange(looked, 1, LoginThrottle.PairFailuresMax + TurnsMax);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await hub.GetAsync("/auth/token", RunningHub.Basic("alice"))).Status);
    }

    [Theory]
    [InlineData(false), InlineData(true)]
    public async Task Guesses_WithAddressesThatAreMadeUp_CountForTheRealOne(bool isBehindAProxy)
    {
        await using RunningHub hub = await RunningHub.StartAsync(options => options with
        {
            Serving = new ServingSettings { TrustedProxies = isBehindAProxy ? [IPNetwork.Parse("127.0.0.0/8")] : [] },
        });
        await hub.UserAsync("alice");
        // A proxy adds the address that it saw behind what the client sent.
        string seen = isBehindAProxy ? ", 192.0.2.7" : "";
        for (int i = 0; i < LoginThrottle.PairFailuresMax; i++)
            await hub.GetAsync(
                "/auth/token", RunningHub.Basic("alice", $"wrong guess {i}"), ("X-Forwarded-For", $"198.51.100.{i}{seen}"),
                ("Forwarded", $"for=198.51.100.{i}"), ("X-Real-IP", $"198.51.100.{i}"), ("X-Client-IP", $"198.51.100.{i}"));
        Assert.Equal(HttpStatusCode.TooManyRequests, (await hub.GetAsync(
            "/auth/token", RunningHub.Basic("alice"), ("X-Forwarded-For", $"203.0.113.9{seen}"))).Status);
    }

    [Theory]
    [InlineData(true), InlineData(false)]
    public async Task Tokens_ThatAreGuessed_CountForTheirAddress_AndARightOneIsAlwaysTaken(bool isBearer)
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        UserAccount alice = await hub.UserAsync("alice");
        (_, string right) = await hub.Services.Accounts.Secrets.CreateTokenAsync(
            RunningHub.Operator, SecretKind.Personal, alice.Id, "laptop", null, null, default);
        AuthenticationHeaderValue Of(string token) => isBearer ? new("Bearer", token) : RunningHub.Basic("alice", token);
        for (int i = 0; i < LoginThrottle.TokenFailuresMax; i++)
            Assert.Equal(
                HttpStatusCode.Unauthorized,
                (await hub.GetAsync(i % 2 == 0 ? "/auth/token" : "/v2/", Of(SecretText.Create(SecretKind.Personal)))).Status);
        DatabaseMark before = await hub.Services.Database.MarkAsync(default);
        for (int i = 0; i < 5; i++)
        {
            (HttpStatusCode status, _, HttpResponseHeaders headers) =
                await hub.GetAsync("/auth/token", Of(SecretText.Create(SecretKind.Robot)));
            Assert.Equal(HttpStatusCode.TooManyRequests, status);
            Assert.NotNull(headers.RetryAfter);
        }
        // What is refused so writes nothing.
        Assert.Equal(before, await hub.Services.Database.MarkAsync(default));
        List<AuditEntry> told = await hub.Services.Accounts.Audit.ListAsync(
            new AuditFilter { Action = AuditActions.UserSignInFailed }, null, 1000, default);
        Assert.Equal(LoginThrottle.TokenFailuresMax, told.Count);
        Assert.Equal((isBearer ? "" : "alice", "127.0.0.1"), (told[0].Subject, told[0].Address));
        Assert.Contains("bhp_", told[0].Details, StringComparison.Ordinal);
        // The owner of a right one, and of a right password, is nobody's prisoner.
        Assert.Equal(HttpStatusCode.OK, (await hub.GetAsync("/auth/token", Of(right))).Status);
        Assert.Equal(HttpStatusCode.OK, (await hub.GetAsync("/auth/token", RunningHub.Basic("alice"))).Status);
        hub.Time.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(HttpStatusCode.Unauthorized, (await hub.GetAsync("/auth/token", Of(SecretText.Create(SecretKind.Personal)))).Status);
    }

    [Fact]
    public async Task Tokens_GuessedFromManyAddresses_AreWrittenDownForAWhile()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        SignIn signIn = hub.Services.Accounts.SignIn;
        int counted = 0;
        for (int i = 0; i < LoginThrottle.TokenFailuresPerMinuteMax + 20; i++)
        {
            try
            {
                Assert.Null(await signIn.WithTokenAsync(SecretText.Create(SecretKind.Robot), null, $"198.51.100.{i}", default));
                counted++;
            }
            catch (TooManyAttemptsException tooMany)
            {
                Assert.InRange(tooMany.Wait, TimeSpan.FromTicks(1), TimeSpan.FromMinutes(1));
            }
        }
        Assert.Equal(LoginThrottle.TokenFailuresPerMinuteMax, counted);
        hub.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Null(await signIn.WithTokenAsync(SecretText.Create(SecretKind.Robot), null, "203.0.113.5", default));
    }

    [Fact]
    public async Task WhatAnAccountSees_IsNotForCachesThatServeOthers()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await hub.UserAsync("alice");
        await hub.RepositoryAsync("alice/private", "private");
        await hub.RepositoryAsync("alice/public", "public");
        AuthenticationHeaderValue alice = RunningHub.Basic("alice");
        (string manifest, string layer) = await hub.PushAsync("alice/private", "latest", "what is private", alice);
        await hub.PushAsync("alice/public", "latest", "what is private", alice);
        foreach (string path in new[]
        {
            "/v2/alice/private/manifests/latest", $"/v2/alice/private/manifests/{manifest}", $"/v2/alice/private/blobs/{layer}",
            "/v2/alice/private/tags/list", $"/v2/alice/private/referrers/{manifest}", "/v2/_catalog", "/api/v1/repositories/alice/private",
            "/auth/token?scope=repository:alice/private:pull", "/v2/alice/private/manifests/none", $"/v2/alice/public/blobs/{layer}",
        })
        {
            foreach (HttpMethod method in new[] { HttpMethod.Get, HttpMethod.Head })
            {
                using HttpResponseMessage answer = await hub.SendAsync(method, path, alice);
                Assert.True(
                    answer.Headers.CacheControl is { Private: true } or { NoStore: true }, $"{method} {path}: {answer.Headers.CacheControl}");
            }
        }
        // The browser's session is a cookie, which no cache knows to be a sign of who asks.
        using HttpResponseMessage anonymous = await hub.SendAsync(HttpMethod.Get, $"/v2/alice/public/blobs/{layer}");
        Assert.Equal("max-age=31536000, immutable", anonymous.Headers.CacheControl!.ToString());
        Assert.Equal("nosniff", anonymous.Headers.GetValues("X-Content-Type-Options").Single());
    }

    [Theory]
    [InlineData("alice/Private"), InlineData("alice//private"), InlineData("alice/./private"), InlineData("alice/x/../private")]
    [InlineData("alice%2fprivate"), InlineData("alice%2Fprivate"), InlineData("alice/private%00"), InlineData("alice/private%20")]
    [InlineData("alice/%70rivate"), InlineData("%61lice/private"), InlineData("alice/private/"), InlineData("/alice/private")]
    [InlineData("alice/private."), InlineData("alice\\private"), InlineData("alice%5cprivate"), InlineData("alice;x/private")]
    [InlineData("alice/private%2f..%2fprivate"), InlineData("alice/priv%C4%B1te"), InlineData("alice/private%0d%0aX: y")]
    public async Task NamesThatAreWrittenOtherwise_OpenNothingPrivate(string name)
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await hub.UserAsync("alice");
        await hub.UserAsync("bob");
        await hub.RepositoryAsync("alice/private", "private");
        (string manifest, string layer) = await hub.PushAsync("alice/private", "latest", "what is private", RunningHub.Basic("alice"));
        foreach (string rest in new[] { "manifests/latest", $"manifests/{manifest}", "manifests/latest?at=2099-01-01", $"blobs/{layer}",
            "tags/list", $"referrers/{manifest}" })
        {
            foreach (AuthenticationHeaderValue? who in new[] { null, RunningHub.Basic("bob") })
            {
                string answer = await RawRequest.SendAsync(
                    hub.Client.BaseAddress!.Port, $"GET /v2/{name}/{rest} HTTP/1.1", who is null ? [] : [$"Authorization: {who}"]);
                Assert.Matches("^HTTP/1.1 (400|401|404) ", answer);
                Assert.DoesNotContain("what is private", answer, StringComparison.Ordinal);
                Assert.DoesNotContain("\nX: y", answer, StringComparison.Ordinal);
            }
            string asked = await RawRequest.SendAsync(
                hub.Client.BaseAddress!.Port, $"GET /auth/token?scope=repository:{name}:pull HTTP/1.1", [$"Authorization: {RunningHub.Basic("bob")}"]);
            Assert.DoesNotContain("\nX: y", asked, StringComparison.Ordinal);
            if (!asked.StartsWith("HTTP/1.1 200", StringComparison.Ordinal))
                continue;
            string token = System.Text.RegularExpressions.Regex.Match(asked, "\"token\":\"([^\"]+)\"").Groups[1].Value;
            string answered = await RawRequest.SendAsync(
                hub.Client.BaseAddress!.Port, $"GET /v2/alice/private/{rest} HTTP/1.1", [$"Authorization: Bearer {token}"]);
            Assert.Matches("^HTTP/1.1 (401|404) ", answered);
        }
    }
}
