using System.Text;
using Console = Berth.Cli.Terminals.Console;

namespace Berth.Cli.Tests;

/// <summary>What the user sees of failures that no command has an answer to.</summary>
public sealed class FailureTests
{
    [Theory]
    [InlineData("version", "--format", "{{.Client.Version}}")]
    [InlineData("--help")]
    [InlineData("__complete", "")]
    [InlineData("context", "ls")]
    public async Task Defect_AnywhereInTheProgram_EndsAsASentence(params string[] arguments)
    {
        using MemoryStream error = new();
        Console console = new(Stream.Null, new Defective(), error);
        Dictionary<string, string> environment = new() { ["HOME"] = "/nonexistent", ["BERTH_HOST"] = "unix:///nonexistent/engine.sock" };
        int code = await Dispatcher.RunAsync(arguments, console, environment, TestContext.Current.CancellationToken);
        Assert.Equal(125, code);
        string text = Encoding.UTF8.GetString(error.ToArray());
        Assert.Contains("berth: internal error: InvalidOperationException: broken\n", text);
        Assert.DoesNotContain("   at ", text);
    }

    [Fact]
    public async Task Defect_WithDebug_TellsWhere()
    {
        using MemoryStream error = new();
        Console console = new(Stream.Null, new Defective(), error);
        Dictionary<string, string> environment = new() { ["HOME"] = "/nonexistent" };
        Assert.Equal(125, await Dispatcher.RunAsync(["-D", "--help"], console, environment, TestContext.Current.CancellationToken));
        Assert.Contains("   at ", Encoding.UTF8.GetString(error.ToArray()));
    }

    /// <summary>In the place of a mistake of ours.</summary>
    private sealed class Defective : MemoryStream
    {
        public override void Write(byte[] buffer, int offset, int count) => throw new InvalidOperationException("broken");

        public override void Write(ReadOnlySpan<byte> buffer) => throw new InvalidOperationException("broken");
    }
}
