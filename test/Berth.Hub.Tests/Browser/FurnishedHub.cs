using Berth.Oci;
using Berth.Registry.Accounts;
using Berth.Registry.Browsing;
using Berth.Registry.Hosting;
using Berth.Registry.Model;
using Berth.Registry.Retention;
using Berth.Registry.Tests.Pages;
using Berth.Registry.Tokens;

namespace Berth.Hub.Tests.Browser;

/// <summary>A hub in this process where each page has something to show: people, teams, tokens, webhooks, rules, quotas.</summary>
public sealed class FurnishedHub : PagesHub, IAsyncLifetime
{
    public const string Organisation = "harbour-authority";

    /// <summary>A repository with rules, moved tags and a README.</summary>
    public string Repository { get; private set; } = "";

    /// <summary>One of its images.</summary>
    public string Digest { get; private set; } = "";

    async ValueTask IAsyncLifetime.InitializeAsync()
    {
        await InitializeAsync();
        AccountServices accounts = Services.Accounts;
        Repository = await NewRepositoryAsync(
            isPrivate: true, readme: "# Use\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n    docker run it", description: "Turns the lamp, and keeps turning it");
        Digest = await PushAsync(Repository, "v1", "one");
        await PushAsync(Repository, "stable", "one");
        await PushAsync(Repository, "stable", "two");
        long id = (await Services.Browsing.Search.TryGetAsync(RepositoryName.Parse(Repository), default))!.Id;
        await Services.Browsing.Settings.FreezeAsync(Alice, id, TagPattern.Parse("v*"), default);
        await Services.Browsing.Retention.AddAsync(Alice, id, new RetentionRule { Pattern = TagPattern.Parse("*"), KeepLast = 0 }, default);
        await accounts.Organisations.CreateAsync(Alice, Organisation, "The authority of the harbour", "alice", default);
        await accounts.Organisations.SetMemberAsync(Alice, Organisation, "bob", OrganisationRole.Maintainer, default);
        await accounts.Teams.CreateAsync(Alice, Organisation, "pilots", "They know the way", default);
        await accounts.Teams.AddMemberAsync(Alice, Organisation, "pilots", "bob", default);
        await accounts.Teams.SetPermissionAsync(
            Alice, Organisation, "pilots", Organisation + "/*", RepositoryAccess.Pull | RepositoryAccess.Push, default);
        IReadOnlyList<TokenScope> scopes = TokenScopes.Parse(["alice/*:pull,push"]);
        await accounts.Secrets.CreateTokenAsync(
            Alice, SecretKind.Personal, Alice.AccountId!.Value, "laptop", scopes, DateTimeOffset.UtcNow.AddDays(90), default);
        long organisation = (await accounts.Organisations.FindAsync(Organisation, default))!.Id;
        await accounts.Secrets.CreateTokenAsync(
            Alice, SecretKind.Robot, organisation, "builder", TokenScopes.Parse([Organisation + "/*:pull"]), null, default);
        await Services.Operation.Webhooks.CreateAsync(Alice, "alice/*", "http://127.0.0.1:9/a/rather/long/path/of/a/receiver", ["push"], default);
        await Services.Operation.Quotas.SetAsync(Alice, "alice", 1_000, default);
    }

    /// <summary>Where a hub without an administrator shows how to make the first.</summary>
    public static async Task<(HubServices Services, HubServer Server, string Address)> StartNewAsync(DirectoryInfo directory)
    {
        HubOptions options = new() { Listen = [System.Net.IPEndPoint.Parse("127.0.0.1:0")], DataDirectory = directory.FullName };
        HubServices services = await HubServices.OpenAsync(
            options, Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance, TimeProvider.System, default);
        HubServer server = await HubServer.StartAsync(services, default);
        string secret = await services.Accounts.Secrets.InviteAsync(new Caller { Name = "test" }, SecretKind.Setup, "", default);
        return (services, server, new Uri(server.Addresses[0], $"/setup?token={secret}").ToString());
    }
}
