using System.IO.Compression;

namespace Berth.Cli.Tests;

/// <summary><c>context import</c> of archives that other programs made; Docker's client beside ours.</summary>
public sealed class ContextImportTests : IDisposable
{
    private const string Meta = """{"Name":"theirs","Metadata":{"Description":"far"},"Endpoints":{"docker":{"Host":"tcp://far.example:2376","SkipTLSVerify":false}}}""";
    private readonly string _directory = Directory.CreateTempSubdirectory("berth-contexts-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory(Timeout = 60_000)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Zip_WithMetadataAndCertificates_IsTaken(bool ours)
    {
        string file = Zip(("meta.json", Meta), ("tls/", ""), ("tls/docker/ca.pem", "authority"));
        ClientResult done = await RunAsync(ours, "context", "import", "taken", file);
        Assert.Equal((0, "taken\n"), (done.Code, done.Output));
        Assert.Equal("tcp://far.example:2376\n", (await RunAsync(
            ours, "context", "inspect", "--format", "{{.Endpoints.docker.Host}}", "taken")).Output);
        Assert.Equal("authority", await File.ReadAllTextAsync(
            Directory.GetFiles(_directory, "ca.pem", SearchOption.AllDirectories).Single(), TestContext.Current.CancellationToken));
    }

    [Theory(Timeout = 60_000)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Zip_WithAnotherFile_IsRefused(bool ours)
    {
        ClientResult done = await RunAsync(ours, "context", "import", "taken", Zip(("meta.json", Meta), ("../../evil", "x")));
        Assert.Equal(1, done.Code);
        Assert.Contains("../../evil: unexpected context file", done.Error);
        Assert.Empty(Directory.GetFiles(_directory, "evil", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Zip_ThatUnpacksToMuch_IsRefused()
    {
        ClientResult done = await RunAsync(true, "context", "import", "taken", Zip(("meta.json", new string(' ', 11_000_000))));
        Assert.Equal((1, "read meta.json: it is larger than 10485760 bytes\n"), (done.Code, done.Error));
    }

    [Theory]
    [InlineData("PK\u0003\u0004 no zip", "invalid context: not a zip archive: ")]
    [InlineData("no archive at all", "invalid context: ")]
    public async Task OtherBytes_AreRefused(string bytes, string sentence)
    {
        string file = $"{_directory}/bytes";
        await File.WriteAllTextAsync(file, bytes, TestContext.Current.CancellationToken);
        ClientResult done = await RunAsync(true, "context", "import", "taken", file);
        Assert.Equal(1, done.Code);
        Assert.StartsWith(sentence, done.Error);
    }

    private string Zip(params ReadOnlySpan<(string Name, string Text)> files)
    {
        string path = $"{_directory}/context.zip";
        using ZipArchive archive = ZipFile.Open(path, ZipArchiveMode.Create);
        foreach ((string name, string text) in files)
        {
            using StreamWriter writer = new(archive.CreateEntry(name).Open());
            writer.Write(text);
        }
        return path;
    }

    private Task<ClientResult> RunAsync(bool ours, params string[] words)
    {
        string[] arguments = ["--config", $"{_directory}/config", .. words];
        if (!ours)
            DockerClient.Require();
        return ours ? DockerClient.RunOursAsync(arguments, TestContext.Current.CancellationToken)
            : DockerClient.RunTheirsAsync(arguments, TestContext.Current.CancellationToken);
    }
}
