using System.Net;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;

namespace Berth.Hub.Tests;

/// <summary>The command line beside a running server: what it changes counts from the server's next request on.</summary>
public sealed class AccountCommandTests
{
    private const string Password = "correct horse";

    [Fact]
    public async Task Users_AreManaged_WhileTheServerRuns()
    {
        await using HubProgram hub = await HubProgram.StartAsync();
        Assert.Equal(HttpStatusCode.Unauthorized, await SignInAsync(hub, "alice", Password));
        Assert.Equal("alice\n", await OnAsync(hub, Password + "\n", "user", "add", "alice", "--password-stdin", "--email", "alice@example.org"));
        Assert.Equal(HttpStatusCode.OK, await SignInAsync(hub, "alice", Password));
        await OnAsync(hub, "another horse\n", "user", "passwd", "alice", "--password-stdin");
        Assert.Equal(HttpStatusCode.Unauthorized, await SignInAsync(hub, "alice", Password));
        Assert.Equal(HttpStatusCode.OK, await SignInAsync(hub, "alice", "another horse"));
        await OnAsync(hub, "", "user", "disable", "alice");
        Assert.Equal(HttpStatusCode.Unauthorized, await SignInAsync(hub, "alice", "another horse"));
        await OnAsync(hub, "", "user", "enable", "alice");
        Assert.Equal(HttpStatusCode.OK, await SignInAsync(hub, "alice", "another horse"));
        await OnAsync(hub, "root horse\n", "user", "add", "root1", "--admin", "--password-stdin");
        string list = await OnAsync(hub, "", "user", "list");
        Assert.Matches("alice +alice@example.org +user +active", list);
        Assert.Matches("root1 +administrator +active", list);
        await OnAsync(hub, "", "user", "rm", "alice");
        Assert.Equal(HttpStatusCode.Unauthorized, await SignInAsync(hub, "alice", "another horse"));
        string audit = await OnAsync(hub, "", "audit", "--subject", "alice");
        foreach (string action in new[] { "user.create", "user.password", "user.disable", "user.enable", "user.remove" })
            Assert.Matches($@"\(command line\) +- +{action} +alice", audit);
        Assert.DoesNotContain(Password, audit, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Quotas_AreSet_AndCount()
    {
        await using HubProgram hub = await HubProgram.StartAsync();
        await OnAsync(hub, Password + "\n", "user", "add", "alice", "--password-stdin");
        await OnAsync(hub, "", "quota", "set", "alice", "1kB");
        Assert.Matches("alice +0 +1000", await OnAsync(hub, "", "quota", "list"));
        using HttpClient client = new() { BaseAddress = hub.Address };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", HubTool.Base64($"alice:{Password}"));
        var images = new Robustness.ImagePusher(client, "alice/app");
        Assert.Equal(HttpStatusCode.Forbidden, await images.PushAsync("v1", new byte[1001]));
        await OnAsync(hub, "", "quota", "set", "alice", "none");
        Assert.Equal(HttpStatusCode.Created, await images.PushAsync("v1", new byte[1001]));
        // The layer, its configuration, and the manifest.
        Assert.Matches("alice +1[1-9][0-9][0-9] +-", await OnAsync(hub, "", "quota", "list"));
        Assert.Matches("quota.set +alice +1000 bytes", await OnAsync(hub, "", "audit", "--action", "quota.set"));
        (int code, string output) = await RefusedAsync(hub, "quota", "set", "alice", "much");
        Assert.Equal((1, "size much: it is not a size, as in 500MB or 20GB, or none\n"), (code, output));
    }

    [Fact]
    public async Task Marks_AreGivenAndTakenBack_WhileTheServerRuns()
    {
        await using HubProgram hub = await HubProgram.StartAsync();
        await OnAsync(hub, Password + "\n", "user", "add", "alice", "--admin", "--password-stdin");
        using HttpClient client = new() { BaseAddress = hub.Address };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", HubTool.Base64($"alice:{Password}"));
        Assert.Equal(HttpStatusCode.Created, await new Robustness.ImagePusher(client, "base").PushAsync("v1", new byte[100]));
        Assert.DoesNotContain("\"is_official\":true", await client.GetStringAsync(new Uri("/v1/search?q=base", UriKind.Relative)), StringComparison.Ordinal);
        await OnAsync(hub, "", "mark", "set", "official", "base");
        await OnAsync(hub, "", "mark", "set", "verified", "alice");
        Assert.Contains("\"is_official\":true", await client.GetStringAsync(new Uri("/v1/search?q=base", UriKind.Relative)), StringComparison.Ordinal);
        Assert.Matches("official +base\nverified +alice\n", await OnAsync(hub, "", "mark", "list"));
        await OnAsync(hub, "", "mark", "unset", "verified", "alice");
        Assert.DoesNotContain("alice", await OnAsync(hub, "", "mark", "list"), StringComparison.Ordinal);
        Assert.Matches(@"\(command line\) +- +mark.unset +alice +verified", await OnAsync(hub, "", "audit", "--subject", "alice"));
        (int code, string output) = await RefusedAsync(hub, "mark", "set", "verified", "nobody");
        Assert.Equal((1, "mark publisher nobody: there is no user or organisation of this name\n"), (code, output));
    }

    [Fact]
    public async Task Webhooks_AreManaged()
    {
        await using HubProgram hub = await HubProgram.StartAsync();
        string configuration = Path.Join(hub.DataDirectory, "hub.json");
        await File.WriteAllTextAsync(configuration, """{ "webhook-hosts": ["hooks.example"] }""");
        string[] add = ["webhook", "add", "alice/*", "https://hooks.example/a", "--events", "push"];
        (int code, string output) = await RefusedAsync(hub, add);
        Assert.Equal(1, code);
        Assert.Contains("hooks.example is not among the hosts", output, StringComparison.Ordinal);
        Assert.StartsWith("whsec_", await OnAsync(hub, "", [.. add, "--config", configuration]), StringComparison.Ordinal);
        string list = await OnAsync(hub, "", "webhook", "list", "alice");
        Match row = Regex.Match(list, "([0-9]+) +alice/[*] +https://hooks.example/a +push ");
        Assert.True(row.Success, list);
        Assert.StartsWith("EVENT", await OnAsync(hub, "", "webhook", "deliveries", "alice", row.Groups[1].Value), StringComparison.Ordinal);
        Assert.Equal(1, (await RefusedAsync(hub, "webhook", "rm", "bob", row.Groups[1].Value)).Code);
        await OnAsync(hub, "", "webhook", "rm", "alice", row.Groups[1].Value);
        Assert.DoesNotContain("hooks.example", await OnAsync(hub, "", "webhook", "list", "alice"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task OrganisationsAndTeams_AreManaged()
    {
        await using HubProgram hub = await HubProgram.StartAsync();
        await OnAsync(hub, Password + "\n", "user", "add", "alice", "--password-stdin");
        await OnAsync(hub, "", "user", "add", "bob", "--no-password");
        await OnAsync(hub, "", "org", "add", "lab", "--owner", "alice", "--display-name", "The Lab");
        await OnAsync(hub, "", "org", "set", "lab", "bob", "member");
        await OnAsync(hub, "", "team", "add", "lab", "staff");
        await OnAsync(hub, "", "team", "join", "lab", "staff", "bob");
        await OnAsync(hub, "", "team", "permit", "lab", "staff", "lab/*", "push");
        Assert.Matches("lab +The Lab", await OnAsync(hub, "", "org", "list"));
        Assert.Matches("alice +owner\nbob +member", await OnAsync(hub, "", "org", "members", "lab"));
        Assert.Matches(@"staff +bob +lab/\*:pull,push", await OnAsync(hub, "", "team", "list", "lab"));
        Assert.Equal("repository:lab/new:pull,push", await ScopeAsync(hub, "alice", Password, "repository:lab/new:pull,push"));
        await OnAsync(hub, "", "team", "permit", "lab", "staff", "lab/*", "none");
        await OnAsync(hub, "", "team", "leave", "lab", "staff", "bob");
        await OnAsync(hub, "", "team", "rm", "lab", "staff");
        await OnAsync(hub, "", "org", "unset", "lab", "bob");
        (int code, string output) = await RefusedAsync(hub, "org", "unset", "lab", "alice");
        Assert.Equal((1, "organisation lab: it needs an owner: make somebody else one first\n"), (code, output));
        await OnAsync(hub, "", "org", "rm", "lab");
    }

    [Fact]
    public async Task Tokens_AreMadeShownAndRevoked()
    {
        await using HubProgram hub = await HubProgram.StartAsync();
        await OnAsync(hub, Password + "\n", "user", "add", "alice", "--password-stdin");
        await OnAsync(hub, "", "org", "add", "lab", "--owner", "alice");
        string personal = (await OnAsync(hub, "", "token", "create", "alice", "laptop", "--scope", "alice/app:pull", "--expires", "30")).Trim();
        string robot = (await OnAsync(hub, "", "token", "create", "lab", "ci", "--scope", "lab/*:push")).Trim();
        Assert.StartsWith("bhp_", personal);
        Assert.StartsWith("bhr_", robot);
        Assert.Equal("", await ScopeAsync(hub, "alice", personal, "repository:alice/app:push"));
        Assert.Equal("repository:lab/app:pull,push", await ScopeAsync(hub, "lab+ci", robot, "repository:lab/app:pull,push,delete"));
        string list = await OnAsync(hub, "", "token", "list", "alice");
        Assert.Contains("alice/app:pull", list, StringComparison.Ordinal);
        Assert.DoesNotContain(personal, list, StringComparison.Ordinal);
        await OnAsync(hub, "", "token", "revoke", "alice", "laptop");
        Assert.Equal(HttpStatusCode.Unauthorized, await SignInAsync(hub, "alice", personal));
        Assert.Equal(1, (await RefusedAsync(hub, "token", "revoke", "alice", "laptop")).Code);
        Assert.Equal(1, (await RefusedAsync(hub, "token", "create", "lab", "all")).Code);
        Assert.Equal(1, (await RefusedAsync(hub, "token", "create", "nobody", "all")).Code);
    }

    [Fact]
    public async Task Configuration_WithMistakes_IsRefusedWhole()
    {
        DirectoryInfo directory = Directory.CreateTempSubdirectory("berth-hub-");
        string file = Path.Join(directory.FullName, "hub.json");
        await File.WriteAllTextAsync(file, """{"sign-up":"everybody","colour":"red","listen":["nowhere"]}""");
        (int code, string output) = await HubTool.RunAsync(
            HubTool.Hub, ["serve", "--config", file, "--data", directory.FullName, "--log-level", "loud"]);
        Assert.Equal(1, code);
        Assert.Equal(4, output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Count(line => line.StartsWith("configuration: ", StringComparison.Ordinal)));
        directory.Delete(recursive: true);
    }

    [Fact]
    public async Task NameOfACache_IsNoAccounts_AndTheReverse()
    {
        DirectoryInfo directory = Directory.CreateTempSubdirectory("berth-hub-");
        string[] upstream = ["--upstreams", "prefix=mirror,url=https://registry.example"];
        await using (HubProgram hub = await HubProgram.StartInAsync(directory, upstream))
        {
            (int code, string output) = await RefusedAsync(hub, "user", "add", "mirror", "--no-password");
            Assert.Equal((1, "user mirror: names that begin with mirror are another registry's, which this hub passes on: "
                + "choose another name\n"), (code, output));
        }
        await using (HubProgram hub = await HubProgram.StartInAsync(directory))
            await OnAsync(hub, "", "user", "add", "mirror", "--no-password");
        (int start, string said) = await HubTool.RunAsync(
            HubTool.Hub, ["serve", "--listen", "127.0.0.1:0", "--data", Path.Join(directory.FullName, "data"), .. upstream]);
        Assert.Equal((1, "failed to start: upstreams: prefix mirror: the user mirror has this name: give the upstream another prefix, "
            + "or remove the user\n"), (start, said));
        directory.Delete(recursive: true);
    }

    [Fact]
    public async Task FirstStart_PrintsTheLinkOnce_UntilThereIsAnAdministrator()
    {
        DirectoryInfo directory = Directory.CreateTempSubdirectory("berth-hub-");
        string first = await HubProgram.FirstLinesAsync(directory);
        Assert.Matches(@"http://127.0.0.1:\d+/setup\?token=bha_[0-9A-Za-z]{46}\n", first);
        await HubTool.OnAsync(Path.Join(directory.FullName, "data"), "root horse\n", "user", "add", "root1", "--admin", "--password-stdin");
        Assert.DoesNotContain("setup?token", await HubProgram.FirstLinesAsync(directory), StringComparison.Ordinal);
        directory.Delete(recursive: true);
    }

    private static Task<string> OnAsync(HubProgram hub, string input, params string[] arguments) =>
        HubTool.OnAsync(hub.DataDirectory, input, arguments);

    private static Task<(int Code, string Output)> RefusedAsync(HubProgram hub, params string[] arguments) =>
        HubTool.RunAsync(HubTool.Hub, [.. arguments, "--data", hub.DataDirectory]);

    private static async Task<HttpStatusCode> SignInAsync(HubProgram hub, string name, string password)
    {
        using HttpClient client = Client(name, password);
        using HttpResponseMessage response = await client.GetAsync(new Uri(hub.Address, "/auth/token"));
        return response.StatusCode;
    }

    private static async Task<string> ScopeAsync(HubProgram hub, string name, string password, string scope)
    {
        using HttpClient client = new();
        using HttpResponseMessage response = await client.PostAsync(new Uri(hub.Address, "/auth/token"), new FormUrlEncodedContent(
            [KeyValuePair.Create("grant_type", "password"), new("username", name), new("password", password), new("scope", scope)]));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return System.Text.Json.JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("scope").GetString()!;
    }

    private static HttpClient Client(string name, string password) => new()
    {
        DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Basic", HubTool.Base64($"{name}:{password}")) },
    };
}
