using Berth.Faults;

namespace Berth.Credentials.Tests;

public sealed class DockerConfigFileTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("berth-credentials-").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string FilePath => Path.Combine(_directory, "config.json");

    [Fact]
    public async Task StoreGetErase_KeepsUnknownFieldsInOrderAndModePrivate()
    {
        await File.WriteAllTextAsync(FilePath, """{"psFormat":"x","auths":{"a.example":{"auth":"YTpi"}},"zz":{"k":[1,2]},"aa":null}""", Cancel);
        DockerConfigFile file = new(FilePath);
        Assert.True(await file.StoreAsync("docker.io", new StoredCredentials("ann", "p:w", ""), Cancel));
        Assert.Equal(new StoredCredentials("ann", "p:w", ""), await file.GetAsync("index.docker.io", Cancel));
        Assert.Equal(new StoredCredentials("a", "b", ""), await file.GetAsync("a.example", Cancel));
        Assert.Null(await file.GetAsync("b.example", Cancel));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(FilePath));
        Assert.True(await file.EraseAsync("docker.io", Cancel));
        Assert.False(await file.EraseAsync("docker.io", Cancel));
        string text = (await File.ReadAllTextAsync(FilePath, Cancel)).ReplaceLineEndings("").Replace("\t", "").Replace(" ", "");
        Assert.Equal("""{"psFormat":"x","auths":{"a.example":{"auth":"YTpi"}},"zz":{"k":[1,2]},"aa":null}""", text);
        Assert.Single(Directory.GetFiles(_directory));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("{\"auths\":{},\"auths\":{}}")]
    [InlineData("{\"auths\":{\"a.example\":{\"auth\":\"!\"}}}")]
    [InlineData("{\"auths\":{\"a.example\":{\"auth\":\"YQ==\"}}}")]
    [InlineData("{\"credsStore\":\"../../evil\"}")]
    public async Task Get_MalformedFile_IsInvalidArgument(string json)
    {
        await File.WriteAllTextAsync(FilePath, json, Cancel);
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => new DockerConfigFile(FilePath).GetAsync("a.example", Cancel));
        Assert.Equal(FaultKind.InvalidArgument, fault.Kind);
    }

    [Fact]
    public async Task GetAll_FileAndHelpers_AreJoined()
    {
        WriteHelper("all", """
            case $1 in
              get) read server; echo "{\"Username\":\"ann\",\"Secret\":\"s-$server\"}" ;;
              list) echo '{"c.example":"ann"}' ;;
            esac
            """);
        await File.WriteAllTextAsync(FilePath, """
            {"auths":{"https://a.example/v1/":{"auth":"YTpi"},"b.example":{}},"credHelpers":{"d.example":"all"}}
            """, Cancel);
        await WithHelpersAsync(async () =>
        {
            IReadOnlyDictionary<string, StoredCredentials> all = await new DockerConfigFile(FilePath).GetAllAsync(Cancel);
            Assert.Equal(["a.example", "d.example"], all.Keys.Order());
            Assert.Equal(new StoredCredentials("a", "b", ""), all["a.example"]);
            Assert.Equal("s-d.example", all["d.example"].Password);
            await File.WriteAllTextAsync(FilePath, """{"auths":{},"credsStore":"all"}""", Cancel);
            Assert.Equal(["c.example"], (await new DockerConfigFile(FilePath).GetAllAsync(Cancel)).Keys);
        });
    }

    [Fact]
    public async Task Helper_IsAskedAndBounded()
    {
        WriteHelper("good", """
            case $1 in
              get) read server; echo "{\"Username\":\"<token>\",\"Secret\":\"t-$server\"}" ;;
              list) echo '{"a.example":"ann"}' ;;
              erase) echo 'credentials not found in native keychain'; exit 1 ;;
            esac
            """);
        WriteHelper("endless", "exec yes");
        WriteHelper("broken", "echo 'password is hunter2'; exit 1");
        await WithHelpersAsync(async () =>
        {
            CredentialHelper good = new("good");
            Assert.Equal(new StoredCredentials("", "", "t-a.example"), await good.GetAsync("a.example", Cancel));
            Assert.Equal("ann", (await good.ListAsync(Cancel))["a.example"]);
            await good.EraseAsync("a.example", Cancel);
            FaultException endless = await Assert.ThrowsAsync<FaultException>(() => new CredentialHelper("endless").GetAsync("a", Cancel));
            Assert.Contains("more than", endless.Message, StringComparison.Ordinal);
            FaultException broken = await Assert.ThrowsAsync<FaultException>(() => new CredentialHelper("broken").GetAsync("a", Cancel));
            Assert.DoesNotContain("hunter2", broken.Message, StringComparison.Ordinal);
            FaultException missing = await Assert.ThrowsAsync<FaultException>(() => new CredentialHelper("missing").GetAsync("a", Cancel));
            Assert.Equal(FaultKind.Unavailable, missing.Kind);
        });
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private async Task WithHelpersAsync(Func<Task> test)
    {
        string old = Environment.GetEnvironmentVariable("PATH")!;
        Environment.SetEnvironmentVariable("PATH", _directory + ":" + old);
        try
        {
            await test();
        }
        finally
        {
            Environment.SetEnvironmentVariable("PATH", old);
        }
    }

    private void WriteHelper(string name, string script)
    {
        string path = Path.Combine(_directory, "docker-credential-" + name);
        File.WriteAllText(path, "#!/bin/sh\n" + script + "\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
