using Berth.Oci;
using Berth.Registry.Access;
using Berth.Registry.Hosting;
using Berth.Registry.Model;
using Berth.Registry.Protocol;
using Berth.Registry.Tests.Hosting;
using Berth.Registry.Tokens;
using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Tests.Attacks;

/// <summary>What somebody who may not read a repository can find out about it: nothing (attack F4).</summary>
public sealed class PrivateRepositoryTests(EmbeddedHub hub) : IClassFixture<EmbeddedHub>
{
    private const string Secret = "alice/secret";
    private const string Content = "only alice has this";

    [Theory]
    [InlineData(null), InlineData("bob")]
    public async Task Stranger_GetsTheSameAnswersAsForWhatIsNotThere(string? name)
    {
        string document = await hub.PushImageAsync(Secret, "v1", Content);
        Digest blob = HubRig.DigestOf(Content);
        foreach (string what in new[]
        {
            "manifests/v1", $"manifests/{HubRig.DigestOf(document)}", $"blobs/{blob}", "tags/list", $"referrers/{HubRig.DigestOf(document)}",
            "blobs/uploads/x",
        })
        {
            foreach (string method in new[] { "GET", "HEAD", "DELETE", "PUT" })
            {
                (int Status, string Body) there = await AskAsync(name, method, $"/v2/{Secret}/{what}");
                (int Status, string Body) nowhere = await AskAsync(name, method, $"/v2/alice/nothing/{what}");
                Assert.Equal(nowhere, there);
                Assert.True(there.Status >= 400, $"{method} {what}: {there.Status}");
            }
        }
    }

    [Fact]
    public async Task Blob_OfAPrivateRepository_IsNotMounted()
    {
        await hub.PushImageAsync(Secret, "v1", Content);
        Digest blob = HubRig.DigestOf(Content);
        foreach (string from in new[] { $"&from={Secret}", "" })
        {
            (int status, _) = await AskAsync("bob", "POST", "/v2/bob/mine/blobs/uploads/", $"?mount={blob}{from}");
            Assert.Equal(202, status);
            Assert.Equal(404, (await AskAsync("bob", "GET", $"/v2/bob/mine/blobs/{blob}")).Status);
        }
        // Whoever may read both mounts it.
        Assert.Equal(201, (await AskAsync("alice", "POST", "/v2/alice/other/blobs/uploads/", $"?mount={blob}&from={Secret}")).Status);
    }

    [Fact]
    public async Task Catalog_HasWhatTheCallerMayRead()
    {
        await hub.PushImageAsync(Secret, "v1", Content);
        Assert.Contains(Secret, (await AskAsync("alice", "GET", "/v2/_catalog")).Body, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, (await AskAsync("bob", "GET", "/v2/_catalog")).Body, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, (await AskAsync(null, "GET", "/v2/_catalog")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Repository_ThatComesIntoBeingDuringTheLook_IsNoReasonForAnotherToken()
    {
        // Two layers of a first push: while one is looked for, the other's upload makes the repository.
        await hub.PushImageAsync("alice/new", "v1", Content);
        var rules = new JustMade();
        Assert.Equal(200, (await AskAsync("alice", "HEAD", $"/v2/alice/new/blobs/{HubRig.DigestOf(Content)}", rules: rules)).Status);
        Assert.True(rules.Looks > 1, "the rules were not looked at again");
    }

    private async Task<(int Status, string Body)> AskAsync(
        string? name, string method, string path, string query = "", IAccessRules? rules = null)
    {
        HubServices services = hub.Services with { Access = rules ?? new OwnersOnly(), Callers = new NamedCaller(name) };
        var context = new DefaultHttpContext();
        context.Request.Method = method;
        context.Request.Path = path;
        context.Request.QueryString = new QueryString(query);
        context.Response.Body = new MemoryStream();
        await new RegistryEndpoints(services).HandleAsync(context);
        context.Response.Body.Position = 0;
        using var reader = new StreamReader(context.Response.Body);
        return (context.Response.StatusCode, await reader.ReadToEndAsync());
    }

    /// <summary>Everybody owns the namespace of that name, and sees nothing else.</summary>
    private sealed class OwnersOnly : IAccessRules
    {
        public ValueTask<RepositoryAccess> OfAsync(Caller caller, RepositoryName repository, CancellationToken cancellationToken) =>
            new(caller.Name == repository.Namespace
                ? RepositoryAccess.Pull | RepositoryAccess.Push | RepositoryAccess.Delete
                : RepositoryAccess.None);

        public ValueTask<bool> MayCreateAsync(Caller caller, RepositoryName repository, CancellationToken cancellationToken) =>
            new(caller.Name == repository.Namespace);
    }

    /// <summary>There is no such repository at the first look; from the second on it is the caller's.</summary>
    private sealed class JustMade : IAccessRules
    {
        public int Looks { get; private set; }

        public ValueTask<RepositoryAccess> OfAsync(Caller caller, RepositoryName repository, CancellationToken cancellationToken) =>
            new(Looks++ == 0 ? RepositoryAccess.None : RepositoryAccess.Pull | RepositoryAccess.Push);

        public ValueTask<bool> MayCreateAsync(Caller caller, RepositoryName repository, CancellationToken cancellationToken) => new(true);
    }

    private sealed class NamedCaller(string? name) : ICallerReader
    {
        public ValueTask<Caller?> ReadAsync(HttpContext context, CancellationToken cancellationToken) =>
            new(name is null ? Caller.Anonymous : new Caller { AccountId = name.Length, Name = name, IsByBearer = true });

        public string ChallengeFor(HttpContext context, RepositoryName? repository, RepositoryAccess wanted) => "Bearer realm=\"x\"";
    }
}
