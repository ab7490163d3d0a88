using Berth.Registry.Accounts;
using Berth.Registry.Model;

namespace Berth.Registry.Tests.Accounts;

public sealed class AccountNameTests
{
    [Theory]
    [InlineData("alice")]
    [InlineData("a1")]
    [InlineData("cs-101.staff_b")]
    [InlineData("123456789012345678901234567890123456789")]
    public void Name_ByTheRule_IsAlsoANamespace(string text)
    {
        Assert.True(AccountName.TryParse(text, out _));
        Assert.Equal(text, RepositoryName.Parse(text + "/app").Namespace);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("Alice")]
    [InlineData("alice ")]
    [InlineData("alice\n")]
    [InlineData("-alice")]
    [InlineData("alice-")]
    [InlineData("a--b")]
    [InlineData("a..b")]
    [InlineData("../b")]
    [InlineData("a/b")]
    [InlineData("a+b")]
    [InlineData("älice")]
    [InlineData("1234567890123456789012345678901234567890")]
    [InlineData("admin")]
    [InlineData("v2")]
    [InlineData("api")]
    public void Name_OutsideTheRule_IsRefused(string? text) => Assert.False(AccountName.TryParse(text, out _));
}
