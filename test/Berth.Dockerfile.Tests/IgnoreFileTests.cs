using System.Diagnostics;
using Berth.Dockerfile.Ignore;
using Berth.Faults;

namespace Berth.Dockerfile.Tests;

public sealed class IgnoreFileTests
{
    [Theory]
    [InlineData("a", "a", true)]
    [InlineData("a", "a/b/c", true)]
    [InlineData("a", "b/a", false)]
    [InlineData("/a", "a", true)]
    [InlineData("a/", "a/b", true)]
    [InlineData("./a/../b", "b", true)]
    [InlineData("*.md", "x.md", true)]
    [InlineData("*.md", "d/x.md", false)]
    [InlineData("**/*.md", "d/e/x.md", true)]
    [InlineData("**/*.md", "x.md", true)]
    [InlineData("**", "any/thing", true)]
    [InlineData("a/**", "a/b", true)]
    [InlineData("a/**", "a", false)]
    [InlineData("a/**/z", "a/z", true)]
    [InlineData("a/**/z", "a/b/c/z", true)]
    [InlineData("*/temp*", "sub/temporary.txt", true)]
    [InlineData("*/temp*", "s/s/temp", false)]
    [InlineData("temp?", "tempa", true)]
    [InlineData("temp?", "temp", false)]
    [InlineData("[a-c]x", "bx", true)]
    [InlineData("[^a-c]x", "bx", false)]
    [InlineData("a\\*b", "a*b", true)]
    [InlineData("a\\*b", "axb", false)]
    [InlineData("*\n!keep", "keep", false)]
    [InlineData("*\n!keep", "other", true)]
    [InlineData("!keep\n*", "keep", true)]
    [InlineData("d\n!d/k", "d/k", false)]
    [InlineData("d\n!d/k", "d/l", true)]
    [InlineData("*.md\n!README*.md\nREADME-secret.md", "README-secret.md", true)]
    [InlineData("*.md\n!README*.md\nREADME-secret.md", "README.md", false)]
    [InlineData("# a\n#b", "#b", false)]
    [InlineData("  a  \r\n", "a", true)]
    public void IsIgnored_Rules_AsDocumented(string text, string path, bool ignored) =>
        Assert.Equal(ignored, IgnoreFile.Parse(text).IsIgnored(path));

    [Fact]
    public void CanSkip_ExceptionBeneath_Enters()
    {
        IgnoreFile file = IgnoreFile.Parse("node_modules\nbuild\n!build/out/*.txt");
        Assert.True(file.CanSkip("node_modules"));
        Assert.False(file.CanSkip("build"));
        Assert.False(file.CanSkip("build/out"));
        Assert.True(file.CanSkip("build/in"));
        Assert.False(file.CanSkip("src"));
    }

    [Theory]
    [InlineData("[a")]
    [InlineData("a\n[]a]")]
    [InlineData("a\\")]
    [InlineData("!")]
    public void Parse_Malformed_IsRefused(string text) =>
        Assert.StartsWith("failed to read .dockerignore", Assert.Throws<FaultException>(() => IgnoreFile.Parse(text)).Message);

    [Fact]
    public void IsIgnored_ManyStars_IsLinear()
    {
        IgnoreFile file = IgnoreFile.Parse(string.Concat(Enumerable.Repeat("*a", 100)) + "b\n" + string.Concat(Enumerable.Repeat("**/a/", 100)) + "b");
        Stopwatch watch = Stopwatch.StartNew();
        for (int i = 0; i < 20; i++)
            Assert.False(file.IsIgnored(new string('a', 500) + "/" + new string('a', 200)));
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(10), $"took {watch.Elapsed}");
    }
}
