using Berth.Cli.Commands;
using Berth.Cli.Parsing;

namespace Berth.Cli.Tests;

public sealed class ArgumentParserTests
{
    private static ParsedCommand Parse(params string[] arguments)
    {
        ParsedCommand parsed = new(ContainerCatalog.Run(), "berth run");
        ArgumentParser.Parse(parsed, arguments, 0);
        return parsed;
    }

    [Fact]
    public void Parse_BundledShortFlags_AreTakenApart()
    {
        ParsedCommand parsed = Parse("-itp8080:80", "image", "-e", "x");
        Assert.True(parsed.Bool("interactive") && parsed.Bool("tty"));
        Assert.Equal(["8080:80"], parsed.List("publish"));
        Assert.Equal(["image", "-e", "x"], parsed.Arguments);
    }

    [Theory]
    [InlineData("-e", "-x", "env", "-x")]
    [InlineData("--env", "--", "env", "--")]
    [InlineData("--name=a=b", "i", "name", "a=b")]
    [InlineData("-w=/x", "i", "workdir", "/x")]
    [InlineData("--net", "host", "network", "host")]
    public void Parse_Value_IsTakenWhateverItLooksLike(string first, string second, string flag, string value) =>
        Assert.Equal(value, Parse(first, second).List(flag)[0]);

    [Theory]
    [InlineData("--rm=false", false)]
    [InlineData("--rm", true)]
    public void Parse_Bool_TakesValueByEqualsAlone(string argument, bool expected)
    {
        ParsedCommand parsed = Parse(argument, "true");
        Assert.Equal(expected, parsed.Bool("rm"));
        Assert.Equal(["true"], parsed.Arguments);
    }

    [Theory]
    [InlineData("unknown flag: --foo", "--foo")]
    [InlineData("unknown shorthand flag: 'Z' in -Z", "-Z")]
    [InlineData("flag needs an argument: --name", "--name")]
    [InlineData("flag needs an argument: 'e' in -e", "-ite")]
    [InlineData("invalid argument \"xx\" for \"-m, --memory\" flag: invalid size: 'xx'", "-m", "xx")]
    [InlineData("invalid argument \"x\" for \"--rm\" flag: strconv.ParseBool: parsing \"x\": invalid syntax", "--rm=x")]
    public void Parse_WrongUse_SaysItInDockersWords(string message, params string[] arguments) =>
        Assert.Equal(message, Assert.Throws<UsageException>(() => Parse(arguments)).Message);
}
