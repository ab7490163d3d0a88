using Berth.Faults;
using CsCheck;
using Microsoft.AspNetCore.Http;

namespace Berth.Distribution.Tests;

public sealed class AuthTests
{
    private static readonly RegistryCredentials s_ann = new() { Username = "ann", Password = "p4ss" };

    [Fact]
    public async Task Pull_BearerChallenge_AsksTheRealmAndCachesTheToken()
    {
        await using FakeRegistry registry = await FakeRegistry.StartAsync();
        registry.AddImage("1", layers: 2, bytes: 1000);
        int tokens = 0;
        registry.Misbehave = async context =>
        {
            if (context.Request.Path == "/token")
            {
                Interlocked.Increment(ref tokens);
                Assert.Equal("repository:a:pull", context.Request.Query["scope"].ToString());
                await context.Response.WriteAsync("""{"token":"t0ken","expires_in":300}""");
                return true;
            }
            return await DemandAsync(context, $"http://{registry.Host}/token", "Bearer t0ken");
        };
        using Rig rig = new();
        (await rig.PullAsync($"{registry.Host}/a:1", s_ann)).Dispose();
        (await rig.PullAsync($"{registry.Host}/a:1", s_ann)).Dispose();
        Assert.Equal(1, tokens);
    }

    [Fact]
    public async Task Pull_TokenThatIsNotTakenAnyMore_IsAskedForAnew()
    {
        await using FakeRegistry registry = await FakeRegistry.StartAsync();
        registry.AddImage("1", layers: 2, bytes: 1000);
        int tokens = 0;
        string wanted = "t1";
        registry.Misbehave = async context =>
        {
            if (context.Request.Path != "/token")
                return await DemandAsync(context, $"http://{registry.Host}/token", $"Bearer {wanted}");
            await context.Response.WriteAsync($$"""{"token":"t{{Interlocked.Increment(ref tokens)}}","expires_in":300}""");
            return true;
        };
        using Rig rig = new();
        (await rig.PullAsync($"{registry.Host}/a:1", s_ann)).Dispose();
        wanted = "t2"; // As after a restart with other keys.
        (await rig.PullAsync($"{registry.Host}/a:1", s_ann)).Dispose();
        Assert.Equal(2, tokens);

        wanted = "none";
        await Assert.ThrowsAsync<FaultException>(() => rig.PullAsync($"{registry.Host}/a:1", s_ann));
        Assert.Equal(3, tokens);
    }

    [Fact]
    public async Task Pull_RealmOfAnotherHost_GetsNothing()
    {
        await using FakeRegistry registry = await FakeRegistry.StartAsync(), evil = await FakeRegistry.StartAsync();
        registry.Misbehave = context => DemandAsync(context, $"http://localhost:{evil.Host.Split(':')[1]}/token", "never");
        using Rig rig = new();
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => rig.PullAsync($"{registry.Host}/a:1", s_ann));
        Assert.Contains("may not send credentials there", fault.Message, StringComparison.Ordinal);
        Assert.Empty(evil.Requests);
    }

    [Fact]
    public async Task Pull_RedirectToAnotherHost_TakesNoAuthorizationAlong()
    {
        await using FakeRegistry registry = await FakeRegistry.StartAsync(), storage = await FakeRegistry.StartAsync();
        registry.AddImage("1", layers: 1, bytes: 1000);
        foreach ((string digest, byte[] blob) in registry.Blobs)
            storage.Blobs[digest] = blob;
        registry.Misbehave = async context =>
        {
            if (context.Request.Headers.Authorization.Count == 0)
            {
                context.Response.StatusCode = 401;
                context.Response.Headers.WWWAuthenticate = "Basic realm=\"x\"";
                return true;
            }
            if (!context.Request.Path.Value!.Contains("/blobs/", StringComparison.Ordinal))
                return false;
            context.Response.Redirect($"http://{storage.Host}{context.Request.Path}?signature=s", false, true);
            await Task.CompletedTask;
            return true;
        };
        using Rig rig = new();
        (await rig.PullAsync($"{registry.Host}/a:1", s_ann)).Dispose();
        Assert.NotEmpty(registry.Authorizations);
        Assert.NotEmpty(storage.Requests);
        Assert.Empty(storage.Authorizations);
    }

    [Theory]
    [InlineData("e30=", null)]
    [InlineData("", null)]
    [InlineData("eyJ1c2VybmFtZSI6ImFubiIsInBhc3N3b3JkIjoicCJ9", "ann")]
    [InlineData("eyJhdXRoIjoiWVc1dU9uQT0ifQ", "ann")]
    public void ParseHeader_Valid(string header, string? user) => Assert.Equal(user, RegistryCredentials.ParseHeader(header)?.Username);

    [Theory]
    [InlineData("!!!")]
    [InlineData("W10")]
    [InlineData("e30e30")]
    public void ParseHeader_Malformed_IsInvalidArgument(string header) => Assert.Equal(
        FaultKind.InvalidArgument, Assert.Throws<FaultException>(() => RegistryCredentials.ParseHeader(header)).Kind);

    [Fact]
    public void Challenge_Parses()
    {
        AuthChallenge challenge = Assert.Single(AuthChallenge.Parse("""Bearer realm="https://a/t?x=1,2",service="a \"b",scope="r:x:pull,push" """));
        Assert.True(challenge.IsBearer);
        Assert.Equal("https://a/t?x=1,2", challenge.Parameter("realm"));
        Assert.Equal("a \"b", challenge.Parameter("SERVICE"));
        Assert.Equal(["Basic", "Bearer"], AuthChallenge.Parse("Basic realm=\"x\", Bearer realm=\"y\"").Select(one => one.Scheme));
    }

    [Fact]
    public void Parsers_AnyText_ThrowNothingElse()
    {
        Gen.String[Gen.Char["Bearer realm=\"\\,:/{}[]019azé\0"], 0, 60].Sample(text =>
        {
            _ = AuthChallenge.Parse(text);
            _ = Berth.Oci.References.ImageReference.TryParse(text, out _, out _);
            try
            {
                _ = ManifestReader.Classify(System.Text.Encoding.UTF8.GetBytes(text), null, Berth.Oci.Digest.Of([]));
            }
            catch (RegistryException)
            {
            }
            try
            {
                _ = RegistryCredentials.ParseHeader(text);
            }
            catch (FaultException)
            {
            }
        });
    }

    private static Task<bool> DemandAsync(HttpContext context, string realm, string authorization)
    {
        if (context.Request.Headers.Authorization == authorization)
            return Task.FromResult(false);
        context.Response.StatusCode = 401;
        context.Response.Headers.WWWAuthenticate = $"Bearer realm=\"{realm}\",service=\"s\"";
        return Task.FromResult(true);
    }
}
