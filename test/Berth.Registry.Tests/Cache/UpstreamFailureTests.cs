using System.Net;
using Berth.Registry.Cache;
using Berth.Registry.Tests.Hosting;
using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Tests.Cache;

/// <summary>Whom it concerns that an upstream fails or refuses: the repository that was asked for, or all of them.</summary>
public sealed class UpstreamFailureTests : CacheRig
{
    private const string Other = "/v2/up.example/library/other";

    private UpstreamState State => Assert.Single(Hub.Services.Cache.States);

    [Theory]
    [InlineData(400), InlineData(403), InlineData(404)]
    public async Task TokenThatIsRefused_IsOfThatRepositoryAlone(int status)
    {
        (string manifest, _) = Serve("v1", "fine");
        Guard("library/other", (context, _) => context.Response.StatusCode = status);
        using HttpResponseMessage refused = await Hub.GetAsync($"{Other}/manifests/v1");
        Assert.Equal(HttpStatusCode.NotFound, refused.StatusCode);
        Assert.Equal("MANIFEST_UNKNOWN", await HubRig.CodeAsync(refused));
        Assert.Equal(manifest, await TextAsync($"{Name}/manifests/v1"));
        Assert.Null(State.PausedUntil);
    }

    [Fact]
    public async Task CredentialsThatAreRefused_AreSaid_AndLeaveWhatIsHere()
    {
        (string manifest, _) = Serve("v1", "kept");
        Assert.Equal(manifest, await TextAsync($"{Name}/manifests/v1"));
        Hub.Time.Advance(TimeSpan.FromHours(1));
        Guard("library/app", (context, _) => context.Response.StatusCode = 401);
        Assert.Equal(manifest, await TextAsync($"{Name}/manifests/v1"));
        Assert.Contains("does not accept the password of me", State.Problem, StringComparison.Ordinal);
        Assert.Null(State.PausedUntil);
    }

    [Theory]
    [InlineData("status"), InlineData("token status"), InlineData("realm"), InlineData("no token"), InlineData("too large")]
    public async Task RepositoryThatFails_IsLeftAloneByItself(string how)
    {
        (string manifest, _) = Serve("v1", "fine");
        Fail("library/other", how);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await Hub.GetAsync($"{Other}/manifests/v1")).StatusCode);
        Assert.Equal(manifest, await TextAsync($"{Name}/manifests/v1"));
        Assert.Null(State.PausedUntil);
        if (how == "too large")
            return;
        int asked = Upstream.Requests.Count;
        using HttpResponseMessage again = await Hub.GetAsync($"{Other}/manifests/v2");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, again.StatusCode);
        Assert.Contains("asked again at", await again.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(asked, Upstream.Requests.Count);
        // Then it is asked again.
        Upstream.Answer = _ => Task.FromResult(false);
        Serve("v2", "well", "library/other");
        Hub.Time.Advance(TimeSpan.FromSeconds(11));
        await TextAsync($"{Other}/manifests/v2");
    }

    [Theory]
    [InlineData("limit"), InlineData("token limit"), InlineData("connection")]
    public async Task UpstreamThatFails_IsLeftAloneAsAWhole(string how)
    {
        Serve("v1", "fine");
        Fail("library/other", how);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await Hub.GetAsync($"{Other}/manifests/v1")).StatusCode);
        Assert.True(State.PausedUntil > Hub.Time.GetUtcNow());
        int asked = Upstream.Requests.Count;
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await Hub.GetAsync($"{Name}/manifests/v1")).StatusCode);
        Assert.Equal(asked, Upstream.Requests.Count);
        Hub.Time.Advance(TimeSpan.FromMinutes(2));
        await TextAsync($"{Name}/manifests/v1");
    }

    private void Fail(string repository, string how)
    {
        if (how.StartsWith("token ", StringComparison.Ordinal) || how is "realm" or "no token")
        {
            Guard(repository, (context, path) => context.Response.StatusCode = how switch
            {
                "token status" => 500, "token limit" => 429, _ => 200,
            }, how == "realm" ? "http://127.0.0.1:1/token" : null);
            return;
        }
        Upstream.Answer = async context =>
        {
            if (!context.Request.Path.StartsWithSegments($"/v2/{repository}"))
                return false;
            if (how == "connection")
                context.Abort();
            else if (how == "too large")
                await TooLargeAsync(context);
            else
                context.Response.StatusCode = how == "limit" ? 429 : 500;
            return true;
        };
    }

    private static async Task TooLargeAsync(HttpContext context)
    {
        context.Response.Headers["Docker-Content-Digest"] = HubRig.DigestOf("anything").ToString();
        if (HttpMethods.IsGet(context.Request.Method))
            await context.Response.Body.WriteAsync(new byte[8 * 1024 * 1024], context.RequestAborted);
    }

    // The repository wants a token, and the place of tokens answers as told.
    private void Guard(string repository, Action<HttpContext, string> answerToken, string? realm = null) => Upstream.Answer = context =>
    {
        string path = context.Request.Path.Value!;
        if (path == "/token")
        {
            answerToken(context, path);
            return Task.FromResult(true);
        }
        if (!path.StartsWith($"/v2/{repository}/", StringComparison.Ordinal))
            return Task.FromResult(false);
        context.Response.StatusCode = 401;
        context.Response.Headers.WWWAuthenticate = $"Bearer realm=\"{realm ?? $"{Upstream.Address}token"}\",service=\"svc\"";
        return Task.FromResult(true);
    };
}
