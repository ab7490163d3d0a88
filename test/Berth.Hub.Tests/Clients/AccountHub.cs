namespace Berth.Hub.Tests.Clients;

/// <summary>A hub whose new repositories are private, with the accounts that clients sign in to; one for a class of tests.</summary>
public sealed class AccountHub : IAsyncLifetime
{
    /// <summary>Of alice and of bob.</summary>
    public const string Password = "correct horse";

    private HubProgram _hub = null!;

    /// <summary>Address and port, as references of images begin.</summary>
    public string Host => _hub.Host;

    /// <summary>Of alice, for all that she may do.</summary>
    public string Token { get; private set; } = "";

    /// <summary>Of alice, for another repository than the tests push to.</summary>
    public string OtherToken { get; private set; } = "";

    /// <summary>Of alice, to pull with only.</summary>
    public string PullToken { get; private set; } = "";

    /// <summary>Of the organisation lab, which signs in as <c>lab+ci</c>.</summary>
    public string RobotToken { get; private set; } = "";

    /// <summary>What is there for alice's image, asked by skopeo with her token.</summary>
    public async Task<string> DigestAsync(string image) => (await ClientProgram.RunAsync(
        "skopeo", "inspect", "--tls-verify=false", "--creds", $"alice:{Token}", "--format", "{{.Digest}}", $"docker://{Host}/{image}")).Trim();

    /// <summary>Fetches every byte of an image and of what it lists, and demands that the digest is as given.</summary>
    public async Task RequireWholeAsync(string image, string digest, string credentials)
    {
        DirectoryInfo target = Directory.CreateTempSubdirectory("berth-whole-");
        try
        {
            await ClientProgram.RunAsync(
                "skopeo", "--insecure-policy", "copy", "--all", "--preserve-digests", "--src-tls-verify=false", "--src-creds", credentials,
                $"docker://{Host}/{image}", $"dir:{target.FullName}");
            Assert.Equal(digest, (await ClientProgram.RunAsync("skopeo", "manifest-digest", Path.Join(target.FullName, "manifest.json"))).Trim());
        }
        finally
        {
            target.Delete(recursive: true);
        }
    }

    public async ValueTask InitializeAsync()
    {
        _hub = await HubProgram.StartAsync("--new-repositories", "private");
        foreach (string name in new[] { "alice", "bob" })
            await HubTool.OnAsync(_hub.DataDirectory, Password + "\n", "user", "add", name, "--password-stdin");
        await HubTool.OnAsync(_hub.DataDirectory, "", "org", "add", "lab", "--owner", "alice");
        Token = await TokenAsync("alice", "laptop", "*:pull,push,delete");
        OtherToken = await TokenAsync("alice", "other", "alice/other:pull,push");
        PullToken = await TokenAsync("alice", "pull", "alice/*:pull");
        RobotToken = await TokenAsync("lab", "ci", "lab/*:pull,push,delete");
    }

    public ValueTask DisposeAsync() => _hub.DisposeAsync();

    private async Task<string> TokenAsync(string owner, string name, string scope) =>
        (await HubTool.OnAsync(_hub.DataDirectory, "", "token", "create", owner, name, "--scope", scope)).Trim();
}
