using Berth.Registry.Tokens;

namespace Berth.Registry.Tests.Tokens;

public sealed class SecretTextTests
{
    [Theory]
    [InlineData(SecretKind.Personal, "bhp_")]
    [InlineData(SecretKind.Robot, "bhr_")]
    [InlineData(SecretKind.Refresh, "bhf_")]
    [InlineData(SecretKind.Session, "bhs_")]
    [InlineData(SecretKind.Invitation, "bhi_")]
    [InlineData(SecretKind.Setup, "bha_")]
    public void Secret_TellsItsKind_AndNothingElse(SecretKind kind, string prefix)
    {
        string secret = SecretText.Create(kind);
        Assert.StartsWith(prefix, secret);
        Assert.Equal(SecretText.Length, secret.Length);
        Assert.True(SecretText.TryRead(secret, out SecretKind read));
        Assert.Equal(kind, read);
        Assert.NotEqual(secret, SecretText.Create(kind));
        Assert.DoesNotContain(secret[6..^4], SecretText.HintOf(secret));
        Assert.Equal(64, SecretText.HashOf(secret).Length);
    }

    [Fact]
    public void Secret_WithAnyOtherCharacter_IsNone()
    {
        string secret = SecretText.Create(SecretKind.Personal);
        for (int i = 4; i < secret.Length; i++)
        {
            char[] other = secret.ToCharArray();
            other[i] = other[i] == 'a' ? 'b' : 'a';
            // One of 62^6 would pass by chance; never in a test that runs for a century.
            Assert.False(SecretText.TryRead(new string(other), out _));
        }
        Assert.False(SecretText.TryRead(secret + "x", out _));
        Assert.False(SecretText.TryRead(secret[..^1], out _));
        Assert.False(SecretText.TryRead("xxx_" + secret[4..], out _));
        Assert.False(SecretText.TryRead(null, out _));
        Assert.False(SecretText.TryRead("", out _));
    }

    [Theory]
    [InlineData("Basic YWxpY2U6c2VjcmV0", "alice", "secret")]
    [InlineData("basic YWxpY2U6YTpiOmM=", "alice", "a:b:c")]
    [InlineData("Bearer abc.def", null, "abc.def")]
    [InlineData("BEARER  abc", null, "abc")]
    public void Header_OfTheTwoSchemes_IsRead(string text, string? name, string secret)
    {
        Assert.True(AuthorizationHeader.TryParse(text, out AuthorizationHeader header));
        Assert.Equal(new AuthorizationHeader(name, secret), header);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("Basic")]
    [InlineData("Basic ")]
    [InlineData("Basic !!!!")]
    [InlineData("Basic YWxpY2U=")]
    [InlineData("Basic OnNlY3JldA==")]
    [InlineData("Basic AGE6Yg==")]
    [InlineData("Bearer ")]
    [InlineData("Bearer a b")]
    [InlineData("Bearer \u00e4")]
    [InlineData("Digest username=\"alice\"")]
    public void Header_OfAnotherForm_IsRefused(string? text) => Assert.False(AuthorizationHeader.TryParse(text, out _));

    [Fact]
    public void Header_TooLong_IsRefused() =>
        Assert.False(AuthorizationHeader.TryParse("Bearer " + new string('a', AuthorizationHeader.LengthMax), out _));
}
