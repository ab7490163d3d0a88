using System.Net;
using System.Net.Http.Headers;
using Berth.Hub.Tests.Robustness;

namespace Berth.Hub.Tests.Clients;

/// <summary><c>berth tags</c> and <c>berth search</c> on a hub, before and after signing in.</summary>
public sealed class BerthTests
{
    private const string Password = "correct horse";

    [Fact]
    public async Task TagsAndSearch_ShowWhatOneMaySee()
    {
        await using BerthEngine engine = await BerthEngine.StartAsync();
        await using HubProgram hub = await HubProgram.StartAsync();
        await HubTool.OnAsync(hub.DataDirectory, Password + "\n", "user", "add", "alice", "--password-stdin");
        using HttpClient client = new() { BaseAddress = hub.Address };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", HubTool.Base64($"alice:{Password}"));
        await PushAsync(client, "alice/weather", "v1", "v2", "latest");
        await MakePrivateAsync(client, "alice/weather-secret");
        await PushAsync(client, "alice/weather-secret", "hidden");

        Assert.Equal("TAG\nlatest\nv1\nv2\n", await engine.RunAsync("", "tags", $"{hub.Host}/alice/weather"));
        Assert.Equal("TAG\nv1\n", await engine.RunAsync("", "tags", "--limit", "1", "--last", "latest", $"{hub.Host}/alice/weather"));
        Assert.NotEqual(0, (await engine.TryAsync("", "tags", $"{hub.Host}/alice/weather-secret")).Code);
        string[] found = await SearchAsync(engine, hub);
        Assert.Equal(["alice/weather"], found);

        await engine.RunAsync(Password, "login", "-u", "alice", "--password-stdin", hub.Host);
        Assert.Equal("TAG\nhidden\n", await engine.RunAsync("", "tags", $"{hub.Host}/alice/weather-secret"));
        Assert.Equal(["alice/weather", "alice/weather-secret"], await SearchAsync(engine, hub));
    }

    [Fact]
    public async Task Search_FiltersAndLimitsWhatItFinds()
    {
        await using BerthEngine engine = await BerthEngine.StartAsync();
        await using HubProgram hub = await HubProgram.StartAsync();
        await SearchFilters.RequireAsync(hub, (first, rest) => engine.RunAsync("", [first, .. rest]));
    }

    private static async Task<string[]> SearchAsync(BerthEngine engine, HubProgram hub)
    {
        string output = await engine.RunAsync("", "search", "--format", "{{.Name}}", $"{hub.Host}/weather");
        // Names may stand with the registry that was asked.
        return [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(name => name.Replace($"{hub.Host}/", "", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
    }

    private static async Task PushAsync(HttpClient client, string repository, params string[] tags)
    {
        var images = new ImagePusher(client, repository);
        foreach (string tag in tags)
            Assert.Equal(HttpStatusCode.Created, await images.PushAsync(tag, new byte[100]));
    }

    private static async Task MakePrivateAsync(HttpClient client, string repository)
    {
        using var content = new StringContent($$"""{"name":"{{repository}}","visibility":"private"}""");
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using HttpResponseMessage made = await client.PostAsync(new Uri("/api/v1/repositories", UriKind.Relative), content);
        Assert.Equal(HttpStatusCode.Created, made.StatusCode);
    }
}
