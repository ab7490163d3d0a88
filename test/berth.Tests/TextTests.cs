using System.Text.Json;
using Berth.Cli.Templates;
using Berth.Cli.Text;

namespace Berth.Cli.Tests;

public sealed class TextTests
{
    private const string Json = """{"Id":"abc","Name":"/n","State":{"Running":true,"ExitCode":3},"Env":["A=1","B=2"],"Labels":{"b":"2","a":"1"},"Empty":null}""";

    // Written by hand after text/template; OutputComparisonTests compares with what Docker's client really prints.
    [Theory]
    [InlineData("{{.Id}}", "abc")]
    [InlineData("{{.ID}}", "abc")]
    [InlineData("{{json .Labels}}", """{"b":"2","a":"1"}""")]
    [InlineData("{{range $i, $e := .Env}}{{if $i}}, {{end}}{{$e}}{{end}}", "A=1, B=2")]
    [InlineData("{{with .State}}{{.ExitCode}}{{end}}", "3")]
    [InlineData("{{if eq .State.ExitCode 3}}y{{else}}n{{end}}", "y")]
    [InlineData("{{if and .State.Running (gt .State.ExitCode 1)}}y{{end}}", "y")]
    [InlineData("{{index .Env 1}}", "B=2")]
    [InlineData("{{index .Labels \"a\"}}", "1")]
    [InlineData("{{join .Env \"+\"}}", "A=1+B=2")]
    [InlineData("{{len .Env}} {{upper .Id}} {{title .Id}}", "2 ABC Abc")]
    [InlineData("{{printf \"%-5s|%03d\" .Id .State.ExitCode}}", "abc  |003")]
    [InlineData("a {{- /* comment */ -}} b", "ab")]
    [InlineData("{{.Labels}}", "map[a:1 b:2]")]
    [InlineData("{{(index .Env 0) | printf \"%q\"}}", "\"A=1\"")]
    [InlineData("{{slice .Name 1}}", "n")]
    [InlineData("{{range .Missing2}}{{else}}none{{end}}", null)]
    [InlineData("{{truncate .Id 2}}{{pad .Id 1 2}}.", "ab abc  .")]
    [InlineData("{{$x := .Id}}{{$x}}{{split .Id \"b\"}}", "abc[a c]")]
    [InlineData("{{not .Empty}}", "true")]
    [InlineData("{{define \"a\"}}{{$.ExitCode}}{{end}}{{$x := 1}}{{template \"a\" .State}}{{$x}}", "31")]
    [InlineData("{{define \"a\"}}{{$x}}{{end}}{{$x := 1}}{{template \"a\" .}}", null)]
    [InlineData("{{define \"a\"}}{{template \"a\"}}{{end}}{{template \"a\"}}", null)]
    public void Template_OverJson_PrintsAsGo(string template, string? expected)
    {
        using JsonDocument document = JsonDocument.Parse(Json);
        if (expected is null)
            Assert.Throws<TemplateException>(() => new Template(template).Run(document.RootElement, new Functions()));
        else
            Assert.Equal(expected, new Template(template).Run(document.RootElement, new Functions()));
    }

    [Theory]
    [InlineData("{{.Foo}", "unexpected")]
    [InlineData("{{foo}}", "function \"foo\" not defined")]
    [InlineData("{{if .A}}", "unexpected EOF")]
    [InlineData("{{\"a}}", "unterminated quoted string")]
    [InlineData("{{end}}", "unexpected {{end}}")]
    public void Template_Malformed_SaysWhy(string template, string problem) =>
        Assert.Contains(problem, Assert.Throws<TemplateException>(() => new Template(template)).Message);

    [Theory]
    [InlineData(0, "0B")]
    [InlineData(999, "999B")]
    [InlineData(1982000, "1.98MB")]
    [InlineData(1000, "1kB")]
    [InlineData(123456789, "123MB")]
    [InlineData(1530000000, "1.53GB")]
    public void Size_IsPrintedWithThreeDigits(long bytes, string expected) => Assert.Equal(expected, Humanize.Size(bytes));

    [Theory]
    [InlineData(0, "Less than a second")]
    [InlineData(45, "45 seconds")]
    [InlineData(60, "About a minute")]
    [InlineData(3600, "About an hour")]
    [InlineData(86400 * 3, "3 days")]
    [InlineData(86400 * 21, "3 weeks")]
    [InlineData(86400 * 400, "13 months")]
    [InlineData(86400 * 800, "2 years")]
    public void Duration_IsInWords(int seconds, string expected) =>
        Assert.Equal(expected, Humanize.Duration(TimeSpan.FromSeconds(seconds)));

    [Theory]
    [InlineData("64m", 67108864)]
    [InlineData("1.5g", 1610612736)]
    [InlineData("10", 10)]
    [InlineData("1kib", 1024)]
    [InlineData("", -1)]
    [InlineData("m", -1)]
    [InlineData("-1", -1)]
    [InlineData("1x", -1)]
    public void Bytes_AreReadAsGoUnits(string text, long expected) => Assert.Equal(expected, GoValue.ParseBytes(text));

    [Theory]
    [InlineData("1h2m3s", 3723000000000)]
    [InlineData("300ms", 300000000)]
    [InlineData("1.5s", 1500000000)]
    public void Duration_IsReadAsGo(string text, long expected) => Assert.Equal(expected, GoValue.ParseDuration(text));

    [Fact]
    public void TabWriter_AlignsColumns()
    {
        TabWriter table = TabWriter.ForTable();
        table.Line("A\tB\tC");
        table.Line("longer value\tx\ty");
        Assert.Equal("A              B         C\nlonger value   x         y\n", table.ToString());
    }
}
