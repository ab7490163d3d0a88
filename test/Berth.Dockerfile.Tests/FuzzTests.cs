using CsCheck;
using Berth.Dockerfile.Expansion;
using Berth.Dockerfile.Ignore;
using Berth.Faults;

namespace Berth.Dockerfile.Tests;

/// <summary>Whatever the text, the parsers answer: no other exception, no endless loop.</summary>
public sealed class FuzzTests
{
    private static readonly string[] s_pieces =
    [
        "FROM a", "RUN ", "COPY ", "ADD ", "ENV ", "ARG ", "LABEL ", "HEALTHCHECK ", "CMD", "ONBUILD ", "SHELL ", "EXPOSE ", "VOLUME ",
        "\n", "\r\n", "\\", "\\\n", "`", "<<EOF", "<<-\"E\"", "EOF", "E", "# escape=`\n", "# check=skip=all\n", "#", "--mount=", "type=cache",
        "--from=", "--chown", ",", "=", "target=/x", "[\"", "\"]", "[", "]", "'", "\"", "$", "${", "}", ":-", ":?", "%", "//", "*", "**/", "?",
        "!", "[a-", "\0", "\uFEFF", "\ud800", "\u00e4", " ", "\t", "x", "1", "ONBUILD ONBUILD", "--interval=1s ", "NONE",
    ];

    private static readonly Gen<string> s_texts = Gen.Int[0, 62].Select(i => s_pieces[i % s_pieces.Length]).Array[0, 40].Select(string.Concat);

    [Fact]
    public void Parse_Anything_Answers() => s_texts.Sample(text =>
    {
        ParsedDockerfile file = DockerfileParser.Parse(text);
        foreach (Diagnostic diagnostic in file.Diagnostics)
            file.Excerpt(diagnostic.Range);
        return file.Diagnostics.HasErrors || file.Stages.Count > 0;
    }, iter: 20_000);

    [Fact]
    public void Expand_Anything_AnswersOrFaults() => s_texts.Sample(text =>
    {
        try
        {
            new WordExpander().ExpandWords(text, name => name.Length == 1 ? "v" : null);
        }
        catch (FaultException fault) when (fault.Kind == FaultKind.InvalidArgument)
        {
        }
    }, iter: 20_000);

    [Fact]
    public void Ignore_Anything_AnswersOrFaults() => Gen.Select(s_texts, s_texts).Sample((text, path) =>
    {
        try
        {
            IgnoreFile file = IgnoreFile.Parse(text);
            Assert.True(!file.CanSkip(path) || file.IsIgnored(path));
        }
        catch (FaultException fault) when (fault.Kind == FaultKind.InvalidArgument)
        {
        }
    }, iter: 20_000);
}
