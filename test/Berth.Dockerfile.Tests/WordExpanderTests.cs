using Berth.Dockerfile.Expansion;
using Berth.Faults;

namespace Berth.Dockerfile.Tests;

public sealed class WordExpanderTests
{
    private static readonly Dictionary<string, string> s_environment = new()
    {
        ["SHELL"] = "bash", ["HOME"] = "/home/h", ["PWD"] = "/p q", ["NULL"] = "", ["v"] = "a.tar.gz", ["path"] = "/a/b/c",
    };

    // The rows follow the semantics of BuildKit's word table.
    [Theory]
    [InlineData("hello", "hello")]
    [InlineData("he'll'o", "hello")]
    [InlineData("he'$SHELL'", "he$SHELL")]
    [InlineData("he\"$SHELL\"x", "hebashx")]
    [InlineData("he\\'llo", "he'llo")]
    [InlineData("\\$SHELL", "$SHELL")]
    [InlineData("\\\\", "\\")]
    [InlineData("a\\b", "ab")]
    [InlineData("\"a\\b\"", "a\\b")]
    [InlineData("\"a\\\"b\"", "a\"b")]
    [InlineData("'a\\b'", "a\\b")]
    [InlineData("$", "$")]
    [InlineData("a$ b", "a$ b")]
    [InlineData("$1x", "x")]
    [InlineData("$SHELL.x", "bash.x")]
    [InlineData("$SHELLx", "")]
    [InlineData("${SHELL}x", "bashx")]
    [InlineData("$HOME/$SHELL", "/home/h/bash")]
    [InlineData("${NO}", "")]
    [InlineData("${SHELL:-def}", "bash")]
    [InlineData("${NO:-def}", "def")]
    [InlineData("${NULL:-def}", "def")]
    [InlineData("${NULL-def}", "")]
    [InlineData("${NO-def}", "def")]
    [InlineData("${NO:-}", "")]
    [InlineData("${NO:-${NO:-${SHELL}}}", "bash")]
    [InlineData("${NO:-$HOME/x}", "/home/h/x")]
    [InlineData("${NO:-'a}b'}", "a}b")]
    [InlineData("${SHELL:+alt}", "alt")]
    [InlineData("${NO:+alt}", "")]
    [InlineData("${NULL:+alt}", "")]
    [InlineData("${NULL+alt}", "alt")]
    [InlineData("${SHELL:?no}", "bash")]
    [InlineData("${NULL?no}", "")]
    [InlineData("${v%.*}", "a.tar")]
    [InlineData("${v%%.*}", "a")]
    [InlineData("${v#*.}", "tar.gz")]
    [InlineData("${v##*.}", "gz")]
    [InlineData("${path#/*/}", "b/c")]
    [InlineData("${path##*/}", "c")]
    [InlineData("${path/\\//-}", "-a/b/c")]
    [InlineData("${path//\\//-}", "-a-b-c")]
    [InlineData("${v/t?r/zip}", "a.zip.gz")]
    [InlineData("\u00e4$SHELL\u00fc", "\u00e4")]
    public void Expand_Form_GivesValue(string word, string expected) =>
        Assert.Equal(expected, new WordExpander().Expand(word, s_environment.GetValueOrDefault));

    [Theory]
    [InlineData("'a", "unexpected end of statement while looking for matching single-quote")]
    [InlineData("\"a", "unexpected end of statement while looking for matching double-quote")]
    [InlineData("${", "syntax error: missing '}'")]
    [InlineData("${SHELL", "syntax error: missing '}'")]
    [InlineData("${SHELL:", "syntax error: missing '}'")]
    [InlineData("${SHELL:-", "syntax error: missing '}'")]
    [InlineData("${}", "syntax error: bad substitution")]
    [InlineData("${:}", "syntax error: bad substitution")]
    [InlineData("${{x}", "syntax error: bad substitution")]
    [InlineData("${SHELL:=x}", "unsupported modifier (:=) in substitution")]
    [InlineData("${NO:?must be given}", "NO: must be given")]
    [InlineData("${NO?}", "NO: is not allowed to be unset")]
    [InlineData("${NULL:?}", "NULL: is not allowed to be empty")]
    public void Expand_Malformed_NamesWordAndCause(string word, string cause)
    {
        FaultException fault = Assert.Throws<FaultException>(() => new WordExpander().Expand(word, s_environment.GetValueOrDefault));
        Assert.Equal($"failed to process \"{word}\": {cause}", fault.Message);
    }

    [Fact]
    public void Expand_NestedWithoutEnd_IsRefused()
    {
        string word = string.Concat(Enumerable.Repeat("${a:-", 50_000)) + new string('}', 50_000);
        Assert.Throws<FaultException>(() => new WordExpander().Expand(word, _ => null));
    }

    [Fact]
    public void ExpandWords_UnquotedBlanks_Split() =>
        Assert.Equal(["/p", "q", "/p q", "a b", ""], new WordExpander().ExpandWords("$PWD \"$PWD\" a\\ b ''", s_environment.GetValueOrDefault));

    [Fact]
    public void Expand_Backtick_Escapes() =>
        Assert.Equal("$SHELL\\x", new WordExpander('`').Expand("`$SHELL\\x", s_environment.GetValueOrDefault));

    [Fact]
    public void Expand_IgnoreQuotes_KeepsThem() =>
        Assert.Equal("it's \"bash\"", new WordExpander { IgnoreQuotes = true }.Expand("it's \"$SHELL\"", s_environment.GetValueOrDefault));

    [Fact]
    public void Expand_KeepUnset_LeavesAsWritten() => Assert.Equal(
        "$NO ${NO} ${NO:-x} bash", new WordExpander { KeepUnset = true }.Expand("$NO ${NO} ${NO:-x} $SHELL", s_environment.GetValueOrDefault));
}
