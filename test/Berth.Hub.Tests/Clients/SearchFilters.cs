using System.Net;
using System.Net.Http.Headers;
using Berth.Hub.Tests.Robustness;

namespace Berth.Hub.Tests.Clients;

/// <summary>The flags of <c>search</c>, which docker and berth have alike: the engine filters what the hub answers.</summary>
internal static class SearchFilters
{
    private const string Password = "correct horse";
    private const string Long = "A lighthouse that stands at the very end of the longest pier of the whole harbour";

    public static async Task RequireAsync(HubProgram hub, Func<string, string[], Task<string>> run)
    {
        await HubTool.OnAsync(hub.DataDirectory, Password + "\n", "user", "add", "keeper", "--admin", "--password-stdin");
        using HttpClient client = new() { BaseAddress = hub.Address };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", HubTool.Base64($"keeper:{Password}"));
        foreach (string name in new[] { "lighthouse", "keeper/lighthouse", "other/lighthouse", "another/lighthouse" })
        {
            Assert.Equal(HttpStatusCode.Created, await new ImagePusher(client, name).PushAsync("v1", new byte[100]));
            using HttpResponseMessage pulled = await client.GetAsync(new Uri($"/v2/{name}/manifests/v1", UriKind.Relative));
            Assert.Equal(HttpStatusCode.OK, pulled.StatusCode);
        }
        using StringContent description = new($$"""{"description":"{{Long}}"}""", System.Text.Encoding.UTF8, "application/json");
        using HttpResponseMessage changed = await client.PatchAsync(
            new Uri("/api/v1/repositories/keeper/lighthouse", UriKind.Relative), description);
        Assert.Equal(HttpStatusCode.NoContent, changed.StatusCode);
        await HubTool.OnAsync(hub.DataDirectory, "", "mark", "set", "official", "lighthouse");

        async Task<string[]> SearchAsync(params string[] flags)
        {
            string output = await run("search", [.. flags, "--format", "{{.Name}}", $"{hub.Host}/lighthouse"]);
            return [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(name => name.Replace($"{hub.Host}/", "", StringComparison.Ordinal))];
        }

        string[] all = await SearchAsync();
        Assert.Equal(4, all.Length);
        Assert.Equal(["lighthouse"], await SearchAsync("--filter", "is-official=true"));
        Assert.Equal(all.Where(name => name != "lighthouse"), await SearchAsync("--filter", "is-official=false"));
        // The engine filters the few that it asked for: the official one is among them.
        Assert.Equal(["lighthouse"], await SearchAsync("--limit", "1", "--filter", "is-official=true"));
        Assert.Equal(2, (await SearchAsync("--limit", "2")).Length);
        Assert.Empty(await SearchAsync("--filter", "is-automated=true"));
        Assert.Equal(4, (await SearchAsync("--filter", "is-automated=false")).Length);
        Assert.Empty(await SearchAsync("--filter", "stars=1"));
        Assert.Equal(4, (await SearchAsync("--filter", "stars=0")).Length);
        string table = await run("search", [$"{hub.Host}/lighthouse"]);
        Assert.Single(table.Split('\n'), line => line.Contains("[OK]", StringComparison.Ordinal));
        Assert.DoesNotContain(Long, table, StringComparison.Ordinal);
        Assert.Contains(Long, await run("search", ["--no-trunc", $"{hub.Host}/lighthouse"]), StringComparison.Ordinal);
    }
}
