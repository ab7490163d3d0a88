using Berth.Registry.Accounts;

namespace Berth.Registry.Tests.Accounts;

public sealed class BcryptHashTests : IDisposable
{
    // Made by htpasswd (Apache, Debian) for "correct horse", at its default cost.
    private const string Apache = "$2y$05$9CJvzwW/jCYmfSc60XEtYe/YF8X8Z.OUvfLSQs6LZANtKWTULM8zm";

    // Vectors of Openwall's crypt_blowfish, which libxcrypt and Apache have their bcrypt from.
    private const string Long = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    private const string OfLong = "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui";

    private readonly PasswordHasher _hasher = new();

    public void Dispose() => _hasher.Dispose();

    [Theory]
    [InlineData("correct horse", Apache)]
    [InlineData("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")]
    [InlineData("U*U", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")]
    [InlineData("U*U*", "$2y$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK")]
    [InlineData("U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a")]
    [InlineData("", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy")]
    // The salt's last character has four bits that count for nothing.
    [InlineData("U*U", "$2y$05$CCCCCCCCCCCCCCCCCCCCCCE5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")]
    public async Task Hash_OfAnotherProgram_IsThatOfItsPasswordOnly(string password, string stored)
    {
        Assert.True(await _hasher.VerifyAsync(password, stored, default));
        Assert.False(await _hasher.VerifyAsync(password + "x", stored, default));
        Assert.True(PasswordHasher.IsOutdated(stored));
    }

    [Fact]
    public async Task Password_BeyondItsFirst72Bytes_CountsNoMore_AsInApacheAndDockerRegistry()
    {
        Assert.True(await _hasher.VerifyAsync(Long + "chars after 72 are ignored", OfLong, default));
        Assert.True(await _hasher.VerifyAsync(Long, OfLong, default));
        Assert.False(await _hasher.VerifyAsync(Long[..71], OfLong, default));
        // Longer than any password here is refused before any work.
        Assert.False(await _hasher.VerifyAsync(Long + new string('x', PasswordHasher.PasswordBytesMax), OfLong, default));
    }

    [Theory]
    // bcrypt repeats a password with a NUL after it: this one would be the same to it.
    [InlineData("correct horse\0correct horse"), InlineData("correct horse\0"), InlineData("\0"), InlineData("correct horse\ud800")]
    public async Task Password_ThatHtpasswdCannotTake_IsNone(string password) =>
        Assert.False(await _hasher.VerifyAsync(password, Apache, default));

    [Theory]
    [InlineData("$2y$05$9CJvzwW/jCYmfSc60XEtYe/YF8X8Z.OUvfLSQs6LZANtKWTULM8z")]
    [InlineData("$2y$05$9CJvzwW/jCYmfSc60XEtYe/YF8X8Z.OUvfLSQs6LZANtKWTULM8zmm")]
    [InlineData("$2y$05$9CJvzwW/jCYmfSc60XEtYe/YF8X8Z.OUvfLSQs6LZANtKWTULM8z!")]
    [InlineData("$2y$05$9CJvzwW/jCYmfSc60XEtYe/YF8X8Z.OUvfLSQs6LZANtKWTULM8z\n")]
    [InlineData("$2x$05$9CJvzwW/jCYmfSc60XEtYe/YF8X8Z.OUvfLSQs6LZANtKWTULM8zm")]
    [InlineData("$2y$5$$9CJvzwW/jCYmfSc60XEtYe/YF8X8Z.OUvfLSQs6LZANtKWTULM8zm")]
    [InlineData("$2y$+5$9CJvzwW/jCYmfSc60XEtYe/YF8X8Z.OUvfLSQs6LZANtKWTULM8zm")]
    [InlineData("$2y$03$9CJvzwW/jCYmfSc60XEtYe/YF8X8Z.OUvfLSQs6LZANtKWTULM8zm")]
    [InlineData("$2y$32$9CJvzwW/jCYmfSc60XEtYe/YF8X8Z.OUvfLSQs6LZANtKWTULM8zm")]
    // A planted row must not take hours.
    [InlineData("$2y$31$9CJvzwW/jCYmfSc60XEtYe/YF8X8Z.OUvfLSQs6LZANtKWTULM8zm")]
    [InlineData("$2y$16$9CJvzwW/jCYmfSc60XEtYe/YF8X8Z.OUvfLSQs6LZANtKWTULM8zm")]
    public async Task StoredText_ThatIsNoHashOrTooCostly_IsNobodys_AndCostsWhatAnyFailureDoes(string stored)
    {
        Assert.False(await _hasher.VerifyAsync("correct horse", stored, default));
        Assert.Equal(new PasswordWork(1, 0), _hasher.Work);
    }

    [Theory]
    [InlineData(null), InlineData("damaged"), InlineData(Apache), InlineData("argon2")]
    [InlineData("$2y$04$9CJvzwW/jCYmfSc60XEtYe/YF8X8Z.OUvfLSQs6LZANtKWTULM8zm")]
    [InlineData("$2y$07$9CJvzwW/jCYmfSc60XEtYe/YF8X8Z.OUvfLSQs6LZANtKWTULM8zm")]
    public async Task WrongPassword_CostsTheSame_WhateverIsStored(string? stored)
    {
        if (stored == "argon2")
            stored = await _hasher.HashAsync("correct horse", default);
        PasswordWork before = _hasher.Work;
        Assert.False(await _hasher.VerifyAsync("wrong", stored, 7, () => Task.CompletedTask, () => Task.CompletedTask, default));
        Assert.Equal(new PasswordWork(1, 1 << 7), _hasher.Work - before);
    }
}
