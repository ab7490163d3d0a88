namespace Berth.EndToEnd.Tests;

/// <summary>An authenticated registry, used through our engine by our command line and by Docker's.</summary>
public sealed class RegistryClientTests(EngineFixture engine) : IDisposable
{
    private readonly string _home = Directory.CreateTempSubdirectory("berth-e2e-login-").FullName;

    public static TheoryData<string> Clients => ["berth", "/usr/bin/docker", "/usr/local/bin/docker"];

    public void Dispose() => Directory.Delete(_home, recursive: true);

    [Theory]
    [MemberData(nameof(Clients))]
    public async Task LoginPushPullLogout_NeedThePassword(string client)
    {
        Need(client);
        await using LockedRegistry registry = await LockedRegistry.StartAsync();
        string image = $"{registry.Host}/team/app:1";
        // A layer of its own, so that the pull has something to fetch.
        await BuildAsync(client, image);
        string id = (await DoAsync(client, "inspect", "-f", "{{.Id}}", image)).Output;
        await RefusedAsync(client, "push", image);

        Completed wrong = await RunAsync(client, "wrong", "login", "-u", "ann", "--password-stdin", registry.Host);
        Assert.Equal(1, wrong.Code);
        Assert.Contains("unauthorized: incorrect username or password", wrong.Errors);
        Completed login = await RunAsync(client, "secret", "login", "-u", "ann", "--password-stdin", registry.Host);
        Assert.True(login.Code == 0, login.Errors);
        Assert.Contains("Login Succeeded", login.Output);

        Completed push = await DoAsync(client, "push", image);
        string digest = push.Output[push.Output.IndexOf("sha256:", StringComparison.Ordinal)..].Split(' ')[0];
        Assert.Matches("^sha256:[0-9a-f]{64}$", digest);
        await DoAsync(client, "rmi", image);
        Assert.Equal(1, (await RunAsync(client, null, "inspect", "--type=image", image)).Code);
        Completed pull = await DoAsync(client, "pull", image);
        Assert.Contains($"Digest: {digest}\nStatus: Downloaded newer image for {image}\n", pull.Output);
        Assert.Equal(id, (await DoAsync(client, "inspect", "-f", "{{.Id}}", image)).Output);
        Assert.Equal($"[{registry.Host}/team/app@{digest}]\n", (await DoAsync(client, "inspect", "-f", "{{.RepoDigests}}", image)).Output);
        Assert.Contains("Image is up to date", (await DoAsync(client, "pull", image)).Output);

        await DoAsync(client, "logout", registry.Host);
        Assert.DoesNotContain(registry.Host, await File.ReadAllTextAsync(_home + "/config.json", TestContext.Current.CancellationToken));
        await RefusedAsync(client, "pull", image);
        await DoAsync(client, "rmi", image);
    }

    [Fact]
    public async Task CredentialHelper_KeepsTheSecretAndIsAskedForIt()
    {
        const string Client = "berth";
        Need(Client);
        await using LockedRegistry registry = await LockedRegistry.StartAsync();
        string helper = Path.Combine(_home, "docker-credential-drawer");
        await Executable.WriteAsync(helper, $$"""
            #!/bin/sh
            echo "$1" >> {{_home}}/asked
            case $1 in
            store) cat > {{_home}}/drawer ;;
            erase) rm {{_home}}/drawer ;;
            get) cat {{_home}}/drawer 2>/dev/null || { echo "credentials not found in native keychain"; exit 1; } ;;
            esac
            """);
        await File.WriteAllTextAsync(_home + "/config.json", """{"credsStore":"drawer"}""", TestContext.Current.CancellationToken);
        Completed login = await RunAsync(Client, "secret", "login", "-u", "ann", "--password-stdin", registry.Host);
        Assert.True(login.Code == 0, login.Errors);
        Assert.Contains("\"Secret\":\"secret\"", await File.ReadAllTextAsync(_home + "/drawer", TestContext.Current.CancellationToken));
        string configuration = await File.ReadAllTextAsync(_home + "/config.json", TestContext.Current.CancellationToken);
        Assert.DoesNotContain(Convert.ToBase64String("ann:secret"u8), configuration);
        Assert.DoesNotContain("secret", configuration);

        string image = $"{registry.Host}/kept:1";
        await BuildAsync(Client, image);
        await File.WriteAllTextAsync(_home + "/asked", "", TestContext.Current.CancellationToken);
        await DoAsync(Client, "push", image);
        Assert.Contains("get\n", await File.ReadAllTextAsync(_home + "/asked", TestContext.Current.CancellationToken));
        await DoAsync(Client, "logout", registry.Host);
        Assert.False(File.Exists(_home + "/drawer"));
        await RefusedAsync(Client, "push", image);
        await DoAsync(Client, "rmi", image);
    }

    private async Task RefusedAsync(string client, params string[] arguments)
    {
        Completed refused = await RunAsync(client, null, arguments);
        Assert.Equal(1, refused.Code);
        // Nobody is asked for a password.
        Assert.EndsWith(": no basic auth credentials\n", refused.Errors);
        Assert.DoesNotContain("login", refused.Output + refused.Errors, StringComparison.OrdinalIgnoreCase);
    }

    private async Task BuildAsync(string client, string image)
    {
        Completed built = await RunAsync(client, $"FROM busybox:e2e\nRUN echo {Guid.NewGuid()} > /own\n", "build", "-t", image, "-");
        Assert.True(built.Code == 0, built.Output + built.Errors);
    }

    private async Task<Completed> DoAsync(string client, params string[] arguments)
    {
        Completed done = await RunAsync(client, null, arguments);
        Assert.True(done.Code == 0, $"{string.Join(' ', arguments)}: {done.Code}: {done.Output}{done.Errors}");
        return done;
    }

    private Task<Completed> RunAsync(string client, string? input, params string[] arguments) => Program.RunAsync(
        client == "berth" ? EngineFixture.Berth : client, arguments, engine.Address, input,
        environment: new Dictionary<string, string> { ["DOCKER_CONFIG"] = _home, ["PATH"] = $"{_home}:/usr/local/bin:/usr/bin:/bin" });

    private void Need(string client)
    {
        Assert.SkipWhen(engine.Missing is not null, engine.Missing ?? "");
        Assert.SkipUnless(client == "berth" || File.Exists(client), $"{client} is not installed");
        Assert.SkipUnless(LockedRegistry.IsInstalled, "docker-registry is not installed");
    }
}
