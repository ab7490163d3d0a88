using Berth.Registry.Sealing;

namespace Berth.Registry.Tests.Sealing;

public sealed class SealingKeyTests
{
    private readonly SealingKey _key = SealingKey.Create();

    [Theory]
    [InlineData(""), InlineData("whsec_abc")]
    public void Value_IsOpened_AtItsPlaceAlone(string text)
    {
        byte[] plain = System.Text.Encoding.UTF8.GetBytes(text);
        byte[] value = _key.Seal(plain, "webhooks.secret:1");
        Assert.Equal(_key.Id, SealingKey.IdOf(value));
        Assert.True(_key.TryOpen(value, "webhooks.secret:1", out byte[]? opened));
        Assert.Equal(plain, opened);
        Assert.False(_key.TryOpen(value, "webhooks.secret:2", out _));
        Assert.False(_key.TryOpen(value, "signing_keys.private_key:1", out _));
        Assert.NotEqual(value, _key.Seal(plain, "webhooks.secret:1"));
    }

    [Fact]
    public void EveryChangedByte_IsNoticed()
    {
        byte[] value = _key.Seal("secret"u8, "x");
        for (int i = 0; i < value.Length; i++)
        {
            byte[] changed = [.. value];
            changed[i] ^= 1;
            Assert.False(_key.TryOpen(changed, "x", out _));
            Assert.False(_key.TryOpen(value.AsSpan(..i), "x", out _));
        }
        Assert.False(SealingKey.Create().TryOpen(value, "x", out _));
    }

    [Fact]
    public void Text_IsTheKey_AndItsIdIsNoPartOfIt()
    {
        Assert.True(SealingKey.TryParse(_key.Text, out SealingKey? same));
        Assert.Equal((_key.Id, 32), (same.Id, Convert.FromBase64String(_key.Text).Length));
        Assert.True(same.TryOpen(_key.Seal("x"u8, "y"), "y", out _));
        Assert.DoesNotContain(_key.Id, Convert.ToHexStringLower(Convert.FromBase64String(_key.Text)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(""), InlineData("c2hvcnQ="), InlineData("not base64, but of the same length: 44 letters")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==")]
    public void OtherTexts_AreNoKeys(string text) => Assert.False(SealingKey.TryParse(text, out _));
}
