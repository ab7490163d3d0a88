using Berth.Oci.References;

namespace Berth.Oci.Tests;

public sealed class ImageReferenceTests
{
    private const string Sha = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    [Theory]
    [InlineData("latest")]   // Six letters: as long as a prefix without its digits.
    [InlineData("")]
    [InlineData("sha256:")]
    [InlineData("sha256:ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789")]
    [InlineData("md5:d41d8cd98f00b204e9800998ecf8427e")]
    public void Digest_OtherText_IsRefused(string text) => Assert.False(Digest.TryParse(text, out _));

    [Theory]
    [InlineData("debian", "docker.io/library/debian", "debian")]
    [InlineData("debian:12", "docker.io/library/debian:12", "debian:12")]
    [InlineData("ucsdets/scipy-ml-notebook:2022.3-stable", "docker.io/ucsdets/scipy-ml-notebook:2022.3-stable", "ucsdets/scipy-ml-notebook:2022.3-stable")]
    [InlineData("docker.io/debian", "docker.io/library/debian", "debian")]
    [InlineData("index.docker.io/library/debian", "docker.io/library/debian", "debian")]
    [InlineData("localhost/a", "localhost/a", "localhost/a")]
    [InlineData("localhost:5000/a/b:t", "localhost:5000/a/b:t", "localhost:5000/a/b:t")]
    [InlineData("reg.example/a@" + Sha, "reg.example/a@" + Sha, "reg.example/a@" + Sha)]
    [InlineData("a:t@" + Sha, "docker.io/library/a:t@" + Sha, "a:t@" + Sha)]
    [InlineData("[::1]:5000/a", "[::1]:5000/a", "[::1]:5000/a")]
    [InlineData("a--b/c__d.e", "docker.io/a--b/c__d.e", "a--b/c__d.e")]
    [InlineData("Host/a", "Host/a", "Host/a")]
    public void Parse_Valid_IsCanonicalAndFamiliar(string text, string canonical, string familiar)
    {
        ImageReference reference = ImageReference.Parse(text);
        Assert.Equal(canonical, reference.ToString());
        Assert.Equal(familiar, reference.Familiar);
    }

    [Theory]
    [InlineData("")]
    [InlineData(":tag")]
    [InlineData("a:")]
    [InlineData("a b")]
    [InlineData("../a")]
    [InlineData("a/../b")]
    [InlineData("a//b")]
    [InlineData("a/")]
    [InlineData("/a")]
    [InlineData("a___b")]
    [InlineData("a..b")]
    [InlineData("-a")]
    [InlineData("a@sha256:12")]
    [InlineData("host:port/a")]
    [InlineData("a:\u00e4")]
    public void TryParse_Malformed_IsInvalidReferenceFormat(string text)
    {
        Assert.False(ImageReference.TryParse(text, out _, out string? problem));
        Assert.StartsWith("invalid reference format", problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a/Bc", "a/Bc")]
    [InlineData("Bad:Ref:x", "library/Bad")]
    [InlineData("localhost:5000/Ab@sha256:12", "Ab@sha256")]
    public void TryParse_UpperCasePath_SaysLowercase(string text, string name)
    {
        Assert.False(ImageReference.TryParse(text, out _, out string? problem));
        Assert.Equal($"invalid reference format: repository name ({name}) must be lowercase", problem);
    }

    [Fact]
    public void TryParse_HexId_IsRefused() =>
        Assert.False(ImageReference.TryParse(new string('a', 64), out _, out _));

    [Fact]
    public void TryParse_TooLong_IsRefused()
    {
        Assert.False(ImageReference.TryParse("a/" + new string('b', 300), out _, out _));
        Assert.False(ImageReference.TryParse("a:" + new string('b', 129), out _, out _));
    }

    [Fact]
    public void WithDefaultTag_NoTag_AddsLatestOnce()
    {
        Assert.Equal("debian:latest", ImageReference.Parse("debian").WithDefaultTag().Familiar);
        Assert.Equal("debian:1", ImageReference.Parse("debian:1").WithDefaultTag().Familiar);
        Assert.Equal("debian@" + Sha, ImageReference.Parse("debian@" + Sha).WithDefaultTag().Familiar);
    }
}
