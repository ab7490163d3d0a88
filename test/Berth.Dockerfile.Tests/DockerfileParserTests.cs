using Berth.Dockerfile.Instructions;

namespace Berth.Dockerfile.Tests;

public sealed class DockerfileParserTests
{
    private static ParsedDockerfile Good(string text)
    {
        ParsedDockerfile file = DockerfileParser.Parse(text);
        Assert.Equal([], file.Diagnostics.Errors.Select(error => error.ToString()));
        return file;
    }

    private static T Only<T>(string instruction) where T : Instruction =>
        Assert.IsType<T>(Assert.Single(Good("FROM a\n" + instruction).Stages[0].Instructions));

    [Theory]
    [InlineData("", "dockerfile parse error on line 1: file with no instructions")]
    [InlineData("# only\n\n", "dockerfile parse error on line 1: file with no instructions")]
    [InlineData("FROM a\n\nFORM b", "dockerfile parse error on line 3: unknown instruction: FORM (did you mean FROM?)")]
    [InlineData("FROM a\nXYZZY b", "dockerfile parse error on line 2: unknown instruction: XYZZY")]
    [InlineData("RUN a", "dockerfile parse error on line 1: no build stage in current context")]
    [InlineData("ARG a", "dockerfile parse error on line 1: no build stage in current context")]
    [InlineData("FROM", "dockerfile parse error on line 1: FROM requires either one or three arguments")]
    [InlineData("FROM a as", "dockerfile parse error on line 1: FROM requires either one or three arguments")]
    [InlineData("FROM a AS 1x", "dockerfile parse error on line 1: invalid name for build stage: \"1x\", name can't start with a number or contain symbols")]
    [InlineData("FROM a\nCOPY x", "dockerfile parse error on line 2: COPY requires at least two arguments, but only one was provided. Destination could not be determined")]
    [InlineData("FROM a\nCOPY --chwon=1 x y", "dockerfile parse error on line 2: unknown flag: --chwon (did you mean chown?)")]
    [InlineData("FROM a\nCOPY --chown=1 --chown=2 x y", "dockerfile parse error on line 2: Duplicate flag specified: chown")]
    [InlineData("FROM a\nCOPY --from x y", "dockerfile parse error on line 2: Missing a value on flag: from")]
    [InlineData("FROM a\nCOPY --link=maybe x y", "dockerfile parse error on line 2: Expecting boolean value for flag link, not: maybe")]
    [InlineData("FROM a\nCOPY x <<E\nE", "dockerfile parse error on line 2: COPY cannot accept a heredoc as a destination")]
    [InlineData("FROM a\nRUN", "dockerfile parse error on line 2: RUN requires at least one argument")]
    [InlineData("FROM a\nRUN --mount=type=cahce,target=/x a", "dockerfile parse error on line 2: unsupported mount type \"cahce\" (did you mean cache?)")]
    [InlineData("FROM a\nRUN --mount=type=cache,tagret=/x a", "dockerfile parse error on line 2: unexpected key 'tagret' in 'type=cache,tagret=/x' (did you mean target?)")]
    [InlineData("FROM a\nRUN --mount=type=cache a", "dockerfile parse error on line 2: invalid mount target \"\": --mount type=cache needs target=")]
    [InlineData("FROM a\nRUN --network=hots a", "dockerfile parse error on line 2: unsupported network mode \"hots\" (did you mean host?)")]
    [InlineData("FROM a\nRUN <<E\nx", "dockerfile parse error on line 2: unterminated heredoc")]
    [InlineData("FROM a\nENV", "dockerfile parse error on line 2: ENV requires at least one argument")]
    [InlineData("FROM a\nENV a", "dockerfile parse error on line 2: ENV must have two arguments")]
    [InlineData("FROM a\nENV a=b c", "dockerfile parse error on line 2: Syntax error - can't find = in \"c\". Must be of the form: name=value")]
    [InlineData("FROM a\nENV =b", "dockerfile parse error on line 2: ENV names can not be blank")]
    [InlineData("FROM a\nSHELL /bin/sh", "dockerfile parse error on line 2: SHELL requires the arguments to be in JSON form")]
    [InlineData("FROM a\nCMD [1]", "dockerfile parse error on line 2: When using JSON array syntax, arrays must be comprised of strings only.")]
    [InlineData("FROM a\nONBUILD ONBUILD RUN x", "dockerfile parse error on line 2: Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")]
    [InlineData("FROM a\nONBUILD FROM x", "dockerfile parse error on line 2: FROM isn't allowed as an ONBUILD trigger")]
    [InlineData("FROM a\nHEALTHCHECK CMD", "dockerfile parse error on line 2: Missing command after HEALTHCHECK CMD")]
    [InlineData("FROM a\nHEALTHCHECK FOO", "dockerfile parse error on line 2: Unknown type \"FOO\" in HEALTHCHECK (try CMD)")]
    [InlineData("FROM a\nHEALTHCHECK --interval=1x CMD a", "dockerfile parse error on line 2: time: invalid duration \"1x\"")]
    [InlineData("FROM a\nHEALTHCHECK --retries=-1 CMD a", "dockerfile parse error on line 2: --retries cannot be negative (-1)")]
    [InlineData("FROM a\nUSER", "dockerfile parse error on line 2: USER requires exactly one argument")]
    [InlineData("FROM a\nVOLUME [\"\"]", "dockerfile parse error on line 2: VOLUME specified can not be an empty string")]
    [InlineData("# escape=x\nFROM a", "dockerfile parse error on line 1: invalid ESCAPE 'x'. Must be ` or \\")]
    [InlineData("# escape=`\n# escape=`\nFROM a", "dockerfile parse error on line 2: only one escape parser directive can be used")]
    public void Parse_Mistake_SaysLineAndCause(string text, string expected) =>
        Assert.Equal(expected, DockerfileParser.Parse(text).Diagnostics.Errors.First().ToString());

    [Fact]
    public void Parse_SeveralMistakes_AllReported()
    {
        ParsedDockerfile file = DockerfileParser.Parse("FROM a\nFOO\nRUN ok\nCOPY x\nENV a\n");
        Assert.Equal([2, 4, 5], file.Diagnostics.Errors.Select(error => error.Range.StartLine));
        Assert.IsType<RunInstruction>(Assert.Single(file.Stages[0].Instructions));
    }

    [Fact]
    public void Parse_Continuations_JoinAndDropComments()
    {
        RunInstruction run = Only<RunInstruction>("  run apt-get update && \\\r\n  # why\r\n\\\r\n   apt-get install -y \\  \r\n   curl\r\n");
        Assert.Equal("apt-get update && " + "   apt-get install -y " + "   curl", run.Command.Words[0]);
        Assert.Equal(new SourceRange(2, 3, 6, 8), run.Range);
        Assert.True(run.Command.IsShell);
    }

    [Fact]
    public void Parse_Backtick_IsTheEscape()
    {
        ParsedDockerfile file = Good("# syntax=docker/dockerfile:1\n# escape=`\nFROM a\nRUN dir `\n c:\\\nRUN x");
        Assert.Equal(2, file.Stages[0].Instructions.Count);
        Assert.Equal("docker/dockerfile:1", file.Directives.Syntax);
        Assert.Equal('`', file.Directives.Escape);
    }

    [Fact]
    public void Parse_DirectiveAfterComment_IsAComment() =>
        Assert.Equal('\\', Good("# hello\n# escape=`\nFROM a").Directives.Escape);

    [Fact]
    public void Parse_Heredocs_SeveralTabsAndQuotes()
    {
        CopyInstruction copy = Only<CopyInstruction>("COPY <<-a.txt <<\"b\" x /d/\n\tone\n\ta.txt\n$two\nb");
        Assert.Equal(["x"], copy.Sources);
        Assert.Equal("/d/", copy.Destination);
        Assert.Equal([new Heredoc("a.txt", "one\n", true, true, "<<-a.txt"), new Heredoc("b", "$two\n", false, false, "<<\"b\"")], copy.Heredocs);
    }

    [Fact]
    public void Parse_RunHeredoc_KeepsInstructionsInside()
    {
        ParsedDockerfile file = Good("FROM a\nRUN <<EOF\nFROM b\n# kept\n\\\nEOF\nCMD x");
        RunInstruction run = Assert.IsType<RunInstruction>(file.Stages[0].Instructions[0]);
        Assert.Equal("FROM b\n# kept\n\\\n", run.Heredocs[0].Content);
        Assert.Equal(2, file.Stages[0].Instructions.Count);
    }

    [Theory]
    [InlineData("RUN echo $((1<<2))")]
    [InlineData("RUN cat <<<word")]
    [InlineData("RUN [\"cat\", \"<<EOF\"]")]
    [InlineData("CMD cat <<EOF")]
    public void Parse_NotAHeredoc_TakesNothing(string instruction) => Good("FROM a\n" + instruction + "\nUSER x");

    [Theory]
    [InlineData("CMD [\"a\", \"b c\"]", false, new[] { "a", "b c" })]
    [InlineData("CMD ['a']", true, new[] { "['a']" })]
    [InlineData("CMD [ -f x ] && y", true, new[] { "[ -f x ] && y" })]
    [InlineData("CMD []", false, new string[0])]
    [InlineData("CMD", true, new string[0])]
    [InlineData("CMD [\"\\u00e4\\n\"]", false, new[] { "\u00e4\n" })]
    public void Parse_Command_ShellOrExec(string instruction, bool shell, string[] words)
    {
        CmdInstruction cmd = Only<CmdInstruction>(instruction);
        Assert.Equal(shell, cmd.Command.IsShell);
        Assert.Equal(words, cmd.Command.Words);
    }

    [Fact]
    public void Parse_From_Forms()
    {
        ParsedDockerfile file = Good("ARG V=1 W\nFROM --platform=$BUILDPLATFORM debian:$V as Base\nFROM base\nFROM scratch AS last");
        Assert.Equal([new ArgDeclaration("V", "1"), new ArgDeclaration("W", null)], file.GlobalArgs[0].Arguments);
        Assert.Equal("$BUILDPLATFORM", file.Stages[0].From.Platform);
        Assert.Equal("base", file.Stages[0].Name);
        Assert.Same(file.Stages[0], file.FindStage("BASE"));
        Assert.Same(file.Stages[1], file.FindStage("1"));
        Assert.Null(file.FindStage("3"));
    }

    [Fact]
    public void Parse_Env_QuotesStayInWords() => Assert.Equal(
        [new NameValue("a", "\"b c\""), new NameValue("d", "e\\ f"), new NameValue("g", "'h=i'")],
        Only<EnvInstruction>("ENV a=\"b c\" d=e\\ f \\\n g='h=i'").Variables);

    [Fact]
    public void Parse_EnvOldForm_TakesTheRest() =>
        Assert.Equal([new NameValue("a", "b c=d")], Only<EnvInstruction>("ENV a   b c=d").Variables);

    [Fact]
    public void Parse_Healthcheck_Times()
    {
        HealthcheckInstruction check = Only<HealthcheckInstruction>(
            "HEALTHCHECK --interval=1m30s --timeout=1.5s --start-period=2h --start-interval=100ms --retries=4 CMD curl -f x");
        Assert.Equal((90, 1.5, 7200, 0.1, 4), (check.Interval.TotalSeconds, check.Timeout.TotalSeconds,
            check.StartPeriod.TotalSeconds, check.StartInterval.TotalSeconds, check.Retries));
        Assert.Equal(["curl -f x"], check.Command!.Words);
        Assert.Null(Only<HealthcheckInstruction>("HEALTHCHECK NONE").Command);
    }

    [Fact]
    public void Parse_Mounts_Fields()
    {
        RunInstruction run = Only<RunInstruction>("RUN --mount=type=cache,id=c,dst=/x,sharing=locked,mode=0755 "
            + "--mount=type=bind,from=b,src=/s,target=/t,rw --mount=type=tmpfs,target=/m,size=64m --mount=type=secret,id=s,required --network=none -- x");
        Assert.Equal(4, run.Mounts.Count);
        Assert.Equal(new RunMount { Type = RunMountType.Cache, Id = "c", Target = "/x", Sharing = "locked", Mode = "0755" }, run.Mounts[0]);
        Assert.Equal(new RunMount { Type = RunMountType.Bind, From = "b", Source = "/s", Target = "/t", ReadOnly = false }, run.Mounts[1]);
        Assert.Equal(64L << 20, run.Mounts[2].SizeBytes);
        Assert.True(run.Mounts[3].Required);
        Assert.Equal(("none", "x"), (run.Network, run.Command.Words[0]));
    }

    [Fact]
    public void Parse_OnBuild_KeepsTriggerWithHeredoc()
    {
        OnBuildInstruction onBuild = Only<OnBuildInstruction>("ONBUILD RUN <<E\nx\nE");
        Assert.Equal("RUN <<E\nx\nE", onBuild.Trigger);
        Diagnostics diagnostics = new();
        RunInstruction run = Assert.IsType<RunInstruction>(DockerfileParser.ParseTrigger(onBuild.Trigger, diagnostics));
        Assert.Equal("x\n", run.Heredocs[0].Content);
        Assert.Null(DockerfileParser.ParseTrigger("FROM x", diagnostics));
    }

    [Fact]
    public void Parse_AddFlags_Read()
    {
        AddInstruction add = Only<AddInstruction>("ADD --checksum=sha256:00 --keep-git-dir --unpack=false --exclude=*.a --exclude=b [\"x y\", \"/z\"]");
        Assert.Equal(("sha256:00", true, (bool?)false), (add.Checksum, add.KeepGitDirectory, add.Unpack));
        Assert.Equal(["*.a", "b"], add.Excludes);
        Assert.Equal(["x y"], add.Sources);
    }

    [Fact]
    public void Excerpt_MarksTheLine() => Assert.Equal(
        "Dockerfile:2\n--------------------\n   1 |     FROM a\n   2 | >>> FOO\n   3 |     RUN b\n--------------------\n",
        DockerfileParser.Parse("FROM a\nFOO\nRUN b").Excerpt(new SourceRange(2, 1, 2, 4)));

    [Theory]
    [InlineData("FROM a AS Foo", "StageNameCasing")]
    [InlineData("FROM a as foo", "FromAsCasing")]
    [InlineData("FROM a\nRUN x \\\n\n y", "NoEmptyContinuation")]
    [InlineData("FROM a\nRUN x\nrun y", "ConsistentInstructionCasing")]
    [InlineData("FROM a AS b\nFROM a AS b", "DuplicateStageName")]
    [InlineData("FROM a AS scratch", "ReservedStageName")]
    [InlineData("FROM a\nCMD x", "JSONArgsRecommended")]
    [InlineData("FROM a\nMAINTAINER x", "MaintainerDeprecated")]
    [InlineData("ARG VERSION=1\nFROM a:$VERSOIN", "UndefinedArgInFrom")]
    [InlineData("FROM a\nWORKDIR x", "WorkdirRelativePath")]
    [InlineData("FROM a\nCMD [\"a\"]\nCMD [\"b\"]", "MultipleInstructionsDisallowed")]
    [InlineData("FROM a\nENV a b", "LegacyKeyValueFormat")]
    [InlineData("FROM --platform=$TARGETPLATFORM a", "RedundantTargetPlatform")]
    [InlineData("FROM --platform=linux/amd64 a", "FromPlatformFlagConstDisallowed")]
    [InlineData("FROM a\nENV DB_PASSWORD=x", "SecretsUsedInArgOrEnv")]
    [InlineData("FROM a\nEXPOSE 80/TCP", "ExposeProtoCasing")]
    [InlineData("FROM a\nEXPOSE 1.2.3.4:80:80", "ExposeInvalidFormat")]
    public void Lint_Rule_WarnsOnceAndCanBeSkipped(string text, string rule)
    {
        ParsedDockerfile file = Good(text);
        Assert.Equal([rule], file.Diagnostics.Warnings.Select(warning => warning.Rule));
        Assert.Empty(Good($"# check=skip={rule}\n" + text).Diagnostics);
        Assert.Single(DockerfileParser.Parse("# check=error=true\n" + text).Diagnostics.Errors);
    }
}
