using System.Text;
using Console = Berth.Cli.Terminals.Console;

namespace Berth.Cli.Tests;

/// <summary>Files of the user's that commands read and write.</summary>
public sealed class UserFileTests : IDisposable
{
    private readonly string _home = Directory.CreateTempSubdirectory("berth-files-").FullName;

    public void Dispose() => Directory.Delete(_home, recursive: true);

    [Theory]
    [InlineData("save", "nginx")]
    [InlineData("export", "web")]
    public async Task Output_IsForTheUsersEyesOnly(string verb, string name)
    {
        string path = $"{_home}/out.tar";
        await File.WriteAllTextAsync(path, "older", TestContext.Current.CancellationToken);
        File.SetUnixFileMode(path, (UnixFileMode)0b110_100_100);
        await using RecordingEngine engine = new(static (_, _) => (200, "archive"));
        Assert.Equal(0, (await RunAsync("-H", engine.Host, verb, "-o", path, name)).Code);
        Assert.Equal("archive", await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
    }

    [Theory]
    [InlineData("{", true)]
    [InlineData("[1]", true)]
    [InlineData("null", true)]
    [InlineData("", false)]
    [InlineData(" \n", false)]
    [InlineData("{}", false)]
    public async Task Configuration_ThatIsBroken_IsToldOfAndKept(string text, bool isBroken)
    {
        string path = $"{_home}/config.json";
        await File.WriteAllTextAsync(path, text, TestContext.Current.CancellationToken);
        await using RecordingEngine engine = new(RecordedAnswers.Answer);
        ClientResult list = await RunAsync("--config", _home, "-H", engine.Host, "ps", "-q");
        Assert.Equal(0, list.Code);
        Assert.StartsWith("4fa6e0f0c678\n", list.Output);
        Assert.Equal(isBroken, list.Error.StartsWith($"WARNING: Error parsing config file ({path}): ", StringComparison.Ordinal));
        ClientResult use = await RunAsync("--config", _home, "context", "use", "default");
        Assert.Equal(isBroken ? 1 : 0, use.Code);
        if (isBroken)
            Assert.Equal(text, await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("foo")]
    [InlineData("tcp://")]
    [InlineData("1.2.3.4:2375")]
    public async Task Context_WithAHostOfNoProtocol_IsRefused(string host)
    {
        ClientResult create = await RunAsync("--config", _home, "context", "create", "far", "--docker", $"host={host}");
        Assert.Equal(1, create.Code);
        Assert.Contains($"unable to parse docker host `{host}`", create.Error);
        Assert.False(Directory.Exists($"{_home}/contexts"));
    }

    [Fact]
    public async Task Context_FromAnother_KeepsItsDescription()
    {
        Assert.Equal(0, (await RunAsync("--config", _home, "context", "create", "one", "--description", "hello", "--docker", "host=tcp://h:1")).Code);
        Assert.Equal(0, (await RunAsync("--config", _home, "context", "create", "two", "--from", "one")).Code);
        Assert.Equal(0, (await RunAsync("--config", _home, "context", "create", "three", "--from", "one", "--description", "new")).Code);
        ClientResult list = await RunAsync("--config", _home, "context", "ls", "--format", "{{.Name}} {{.Description}}");
        Assert.Contains("one hello\n", list.Output);
        Assert.Contains("two hello\n", list.Output);
        Assert.Contains("three new\n", list.Output);
    }

    private async Task<ClientResult> RunAsync(params string[] arguments)
    {
        using MemoryStream output = new(), error = new();
        Dictionary<string, string> environment = new() { ["HOME"] = _home };
        int code = await Dispatcher.RunAsync(
            arguments, new Console(Stream.Null, output, error), environment, TestContext.Current.CancellationToken);
        return new ClientResult(code, Encoding.UTF8.GetString(output.ToArray()), Encoding.UTF8.GetString(error.ToArray()));
    }
}
