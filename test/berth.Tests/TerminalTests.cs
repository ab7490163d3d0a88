using System.Text;
using System.Text.Json.Nodes;
using Console = Berth.Cli.Terminals.Console;

namespace Berth.Cli.Tests;

/// <summary>What a command does differently when it has a terminal.</summary>
public sealed class TerminalTests
{
    [Theory]
    [InlineData(true, "[30,90]")]
    [InlineData(false, "[0,0]")]
    public async Task Create_TellsTheTerminalsSizeInAdvance(bool isTerminal, string size)
    {
        await using RecordingEngine engine = new(static (_, _) => (201, """{"Id":"abc"}"""));
        await RunAsync(engine, "", isTerminal, "create", "-t", "img");
        JsonNode body = JsonNode.Parse(engine.TakeRequests().Single(static r => r.Body.Length > 0).Body)!;
        Assert.Equal(size, body["HostConfig"]!["ConsoleSize"]!.ToJsonString());
    }

    [Theory]
    [InlineData("container")]
    [InlineData("network")]
    [InlineData("volume")]
    [InlineData("image")]
    [InlineData("builder")]
    [InlineData("system")]
    public async Task Prune_AnsweredWithNo_RemovesNothingAndSucceeds(string kind)
    {
        await using RecordingEngine engine = new(RecordedAnswers.Answer);
        foreach (string answer in new[] { "n\n", "\n", "", "yes\n" })
        {
            ClientResult result = await RunAsync(engine, answer, isTerminal: true, kind, "prune");
            Assert.Equal(0, result.Code);
            Assert.EndsWith("Are you sure you want to continue? [y/N] ", result.Output);
        }
        Assert.Empty(engine.TakeRequests());
        await RunAsync(engine, " Y \n", isTerminal: true, kind, "prune");
        Assert.NotEmpty(engine.TakeRequests());
    }

    [Theory]
    [InlineData("attach", "tty")]
    [InlineData("exec", "-it", "tty", "sh")]
    public async Task Terminal_ThatIsNone_IsRefusedBeforeAnythingIsAsked(params string[] arguments)
    {
        await using RecordingEngine engine = new(static (_, _) =>
            (200, """{"Id":"tty","State":{"Running":true},"Config":{"Tty":true,"OpenStdin":false}}"""));
        ClientResult result = await RunAsync(engine, "hi\n", isTerminal: false, arguments);
        Assert.Equal((1, "the input device is not a TTY\n"), (result.Code, result.Error));
        Assert.DoesNotContain(engine.TakeRequests(), static r => r.Request.StartsWith("POST", StringComparison.Ordinal));
    }

    private static async Task<ClientResult> RunAsync(RecordingEngine engine, string input, bool isTerminal, params string[] arguments)
    {
        using MemoryStream typed = new(Encoding.UTF8.GetBytes(input)), output = new(), error = new();
        Console console = new(typed, output, error) { OutputIsTerminal = isTerminal, Size = static () => (90, 30) };
        Dictionary<string, string> environment = new() { ["HOME"] = "/nonexistent" };
        int code = await Dispatcher.RunAsync(
            ["-H", engine.Host, .. arguments], console, environment, TestContext.Current.CancellationToken);
        return new ClientResult(code, Encoding.UTF8.GetString(output.ToArray()), Encoding.UTF8.GetString(error.ToArray()));
    }
}
