using System.Text.RegularExpressions;

namespace Berth.RuntimeProgram.Tests.Commands;

/// <summary>Every command and flag that the installed runc lists is one of ours, spelt alike and with a value or none, and what we have
/// beyond is named here.</summary>
public sealed partial class FlagTests
{
    private static readonly Dictionary<string, string[]> s_more = new()
    {
        // What runc has since 1.2, and our own --strict. Flags that runc takes and does not list are in its list of commands below.
        [""] = ["--strict"],
        ["create"] = ["--pidfd-socket value"],
        ["run"] = ["--pidfd-socket value"],
        ["exec"] = ["--no-subreaper", "--pidfd-socket value"],
        ["update"] = ["--cpu-burst value", "--cpu-idle value", "--kernel-memory value", "--kernel-memory-tcp value"],
    };

    public static TheoryData<string> Verbs => [.. Command.Missing is null && Command.IsInstalled("runc")
        ? Words("runc").GetAwaiter().GetResult().Prepend("") : [""]];

    private static async Task<string[]> Words(string program) =>
        [.. VerbLine().Matches(Section(await Command.NeedAsync(program, ["--help"]), "COMMANDS:"))
            .Select(static match => match.Groups[1].Value).Where(static word => word != "help").Order()];

    private static async Task<string[]> Flags(string program, string verb) =>
        [.. FlagLine().Matches(Section(
            await Command.NeedAsync(program, verb.Length == 0 ? ["--help"] : [verb, "--help"]), verb.Length == 0 ? "GLOBAL OPTIONS:" : "OPTIONS:"))
            .Select(static match => match.Value.Trim()).Order()];

    private static string Section(string help, string title)
    {
        int at = help.IndexOf($"\n{title}\n", StringComparison.Ordinal);
        if (at < 0)
            return "";
        string rest = help[(at + title.Length + 2)..];
        // The next title stands at the beginning of a line.
        Match next = Title().Match(rest);
        return next.Success ? rest[..next.Index] : rest;
    }

    private static void Need() => Assert.SkipUnless(Command.Missing is null && Command.IsInstalled("runc"), Command.Missing ?? "runc is not installed");

    [Fact]
    public async Task Commands_AreRuncs()
    {
        Need();
        Assert.Equal(await Words("runc"), await Words(Command.Runtime));
    }

    [Theory]
    [MemberData(nameof(Verbs))]
    public async Task Flags_AreRuncs(string verb)
    {
        Need();
        string[] theirs = await Flags("runc", verb), ours = await Flags(Command.Runtime, verb);
        Assert.Equal([.. theirs.Concat(s_more.GetValueOrDefault(verb, [])).Order()], ours);
    }

    [Theory]
    [InlineData("-h")]
    [InlineData("--help")]
    public async Task Help_IsShownAmongFlags(string word)
    {
        Need();
        Completed shown = await Command.RunAsync(Command.Runtime, ["delete", "-f", word]);
        Assert.Equal(0, shown.Code);
        Assert.Contains("--force", shown.Output, StringComparison.Ordinal);
    }

    [GeneratedRegex(@"^ {3}([a-z]+)\b", RegexOptions.Multiline)]
    private static partial Regex VerbLine();

    [GeneratedRegex(@"^ {3}--[a-z0-9-]+( value)?(, -[a-z]( value)?)?", RegexOptions.Multiline)]
    private static partial Regex FlagLine();

    [GeneratedRegex(@"^[A-Z]+( [A-Z]+)?:$", RegexOptions.Multiline)]
    private static partial Regex Title();
}
