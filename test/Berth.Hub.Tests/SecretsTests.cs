using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Berth.Hub.Tests;

/// <summary>The hub's key as an operator meets it: on the command line, beside a running server, lost, and across a backup.</summary>
public sealed class SecretsTests : IDisposable
{
    private const string Password = "correct horse";
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("berth-hub-");

    private string Data => Path.Join(_directory.FullName, "data");

    private string KeyFile => Path.Join(Data, "secret.key");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task Key_IsTheOwnersAlone_AndWithoutIt_NothingStarts()
    {
        await MakeAsync();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(KeyFile));
        string kept = Path.Join(_directory.FullName, "kept.key");
        File.Move(KeyFile, kept);
        foreach (string[] verb in new[] { new[] { "serve", "--listen", "127.0.0.1:0" }, ["user", "list"], ["secrets", "rotate"] })
        {
            (int code, string output) = await HubProgram.RunAsync([.. verb, "--data", Data]);
            Assert.Equal(1, code);
            Assert.Matches($"open the hub's secrets: they are encrypted with key [0-9a-f]{{16}}, and its file {KeyFile} is not there: put it back", output);
            Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
            Assert.False(File.Exists(KeyFile));
        }
        Assert.Contains("alice", await HubTool.OnAsync(Data, "", "user", "list", "--secret-key-file", kept), StringComparison.Ordinal);
        await using HubProgram hub = await HubProgram.StartInAsync(_directory, "--secret-key-file", kept);
        Assert.Equal(HttpStatusCode.OK, (await TokenAsync(hub)).Status);
    }

    [Fact]
    public async Task Rotation_BesideAServer_ChangesTheKey_NotTheTokens()
    {
        await using HubProgram hub = await HubProgram.StartInAsync(_directory);
        await MakeAsync();
        (_, string token) = await TokenAsync(hub);
        string former = await File.ReadAllTextAsync(KeyFile);
        Assert.Contains("still in use", await HubTool.OnAsync(Data, "", "secrets", "rotate", "--prepare"), StringComparison.Ordinal);
        Assert.Contains(former.Split('\n')[1], await File.ReadAllTextAsync(KeyFile), StringComparison.Ordinal);
        string said = await HubTool.OnAsync(Data, "", "secrets", "rotate");
        Assert.Matches($"new key [0-9a-f]{{16}} in {KeyFile}: keep a copy", said);
        Assert.DoesNotContain(former.Split('\n')[1], await File.ReadAllTextAsync(KeyFile), StringComparison.Ordinal);
        Assert.Equal(former, await File.ReadAllTextAsync(Assert.Single(Directory.GetFiles(Data), file => file.StartsWith(KeyFile + ".", StringComparison.Ordinal))));
        Assert.Equal(HttpStatusCode.OK, await UseAsync(hub, token));
        Assert.Equal(HttpStatusCode.OK, await UseAsync(hub, (await TokenAsync(hub)).Token));
        Assert.Contains("secrets.rotate", await HubTool.OnAsync(Data, "", "audit"), StringComparison.Ordinal);
        // A server that starts now has the new key alone, and takes what was signed before.
        await using HubProgram other = await HubProgram.StartInAsync(_directory);
        Assert.Equal(HttpStatusCode.OK, await UseAsync(other, token));
    }

    [Fact]
    public async Task Rotation_KilledAtAnyMoment_LeavesAHubThatOpens()
    {
        await MakeAsync();
        // From before it opens anything to after its end, however long that takes here.
        long start = Stopwatch.GetTimestamp();
        await HubTool.OnAsync(Data, "", "secrets", "rotate");
        TimeSpan whole = Stopwatch.GetElapsedTime(start);
        for (int i = 1; i <= 12; i++)
        {
            using Process process = Process.Start(new ProcessStartInfo(HubTool.Hub, ["secrets", "rotate", "--data", Data])
            {
                RedirectStandardOutput = true, RedirectStandardError = true,
            })!;
            await Task.WhenAny(process.WaitForExitAsync(), Task.Delay(whole * i / 11));
            process.Kill();
            await process.WaitForExitAsync();
            Assert.Contains("alice", await HubTool.OnAsync(Data, "", "webhook", "list", "alice"), StringComparison.Ordinal);
        }
        await HubTool.OnAsync(Data, "", "secrets", "rotate");
        // Every row opens, or this would refuse.
        await HubTool.OnAsync(Data, "", "secrets", "rotate");
        Assert.Single(await File.ReadAllLinesAsync(KeyFile), line => !line.StartsWith('#'));
    }

    [Fact]
    public async Task Backup_IsWithoutTheKey_AndSaysSo()
    {
        await MakeAsync();
        (string backup, string data) = (Path.Join(_directory.FullName, "backup"), Path.Join(_directory.FullName, "second"));
        string said = await HubTool.OnAsync(Data, "", "backup", backup);
        Assert.Contains($"the key is not in it: keep a copy of {KeyFile} in another place", said, StringComparison.Ordinal);
        Assert.Equal(["hub.id", "hub.jsonl"], Directory.GetFiles(backup).Select(Path.GetFileName).Order());
        (int code, string output) = await HubProgram.RunAsync("restore", backup, "--data", data);
        Assert.Equal(1, code);
        Assert.Contains("(--key FILE), or go on without webhooks", output, StringComparison.Ordinal);
        Assert.Matches("0 blobs restored", await HubTool.OnAsync(data, "", "restore", backup, "--key", KeyFile));
        Assert.Contains("hooks.example", await HubTool.OnAsync(data, "", "webhook", "list", "alice"), StringComparison.Ordinal);
        string third = Path.Join(_directory.FullName, "third");
        output = await HubTool.OnAsync(third, "", "restore", backup, "--without-key");
        Assert.Contains("webhook left out: alice/* https://hooks.example/a push\n", output, StringComparison.Ordinal);
        Assert.DoesNotContain("hooks.example", await HubTool.OnAsync(third, "", "webhook", "list", "alice"), StringComparison.Ordinal);
        (code, output) = await HubProgram.RunAsync("restore", backup, "--data", Path.Join(_directory.FullName, "fourth"), "--key", "/nonexistent");
        Assert.Equal((1, "restore: /nonexistent: there is no such file\n"), (code, output));
    }

    [Fact]
    public async Task LostKey_IsGivenUp_WhenAsked()
    {
        await MakeAsync();
        (int code, string output) = await HubProgram.RunAsync("secrets", "reset", "--data", Data);
        Assert.Equal(1, code);
        Assert.Contains("nothing is lost", output, StringComparison.Ordinal);
        File.Delete(KeyFile);
        output = await HubTool.OnAsync(Data, "", "secrets", "reset");
        Assert.Contains("webhook removed: alice/* https://hooks.example/a push\n", output, StringComparison.Ordinal);
        await using HubProgram hub = await HubProgram.StartInAsync(_directory);
        Assert.Equal(HttpStatusCode.OK, await UseAsync(hub, (await TokenAsync(hub)).Token));
    }

    private async Task MakeAsync()
    {
        await HubTool.OnAsync(Data, Password + "\n", "user", "add", "alice", "--admin", "--password-stdin");
        string configuration = Path.Join(_directory.FullName, "hub.json");
        await File.WriteAllTextAsync(configuration, """{ "webhook-hosts": ["hooks.example"] }""");
        await HubTool.OnAsync(Data, "", "webhook", "add", "alice/*", "https://hooks.example/a", "--events", "push", "--config", configuration);
    }

    private static async Task<(HttpStatusCode Status, string Token)> TokenAsync(HubProgram hub)
    {
        using HttpClient client = new() { BaseAddress = hub.Address };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", HubTool.Base64($"alice:{Password}"));
        using HttpResponseMessage answer = await client.GetAsync(new Uri("/auth/token?service=berth-hub&scope=registry:catalog:*", UriKind.Relative));
        return (answer.StatusCode, JsonElement.Parse(await answer.Content.ReadAsByteArrayAsync()).GetProperty("token").GetString()!);
    }

    private static async Task<HttpStatusCode> UseAsync(HubProgram hub, string token)
    {
        using HttpClient client = new() { BaseAddress = hub.Address };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using HttpResponseMessage answer = await client.GetAsync(new Uri("/v2/_catalog", UriKind.Relative));
        return answer.StatusCode;
    }
}
