using Berth.Faults;
using Berth.Registry.Accounts;

namespace Berth.Registry.Tests.Accounts;

public sealed class PasswordHasherTests : IDisposable
{
    // Argon2id of "password", sixteen zero bytes, 19 MiB, two passes: BouncyCastle's and Konscious' implementations give the same.
    private const string Known = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$3I4+G8Hb+nWNCW9b6y5QNX813QAdykZ4QqazSX6pzCs";

    private readonly PasswordHasher _hasher = new();

    public void Dispose() => _hasher.Dispose();

    [Fact]
    public async Task Verify_ItsOwnHash_OnlyWithThePassword()
    {
        string stored = await _hasher.HashAsync("correct horse", default);
        Assert.StartsWith("$argon2id$v=19$m=19456,t=2,p=1$", stored);
        Assert.True(await _hasher.VerifyAsync("correct horse", stored, default));
        Assert.False(await _hasher.VerifyAsync("correct horsf", stored, default));
        Assert.False(await _hasher.VerifyAsync("", stored, default));
        Assert.NotEqual(stored, await _hasher.HashAsync("correct horse", default));
        Assert.False(PasswordHasher.IsOutdated(stored));
    }

    [Fact]
    public async Task Verify_HashOfAnotherImplementation_IsTheSame()
    {
        Assert.True(await _hasher.VerifyAsync("password", Known, default));
        Assert.False(await _hasher.VerifyAsync("Password", Known, default));
    }

    [Theory]
    [InlineData("")]
    [InlineData("password")]
    [InlineData("$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$")]
    [InlineData("$argon2id$v=19$m=1073741824,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$3I4+G8Hb+nWNCW9b6y5QNX813QAdykZ4QqazSX6pzCs")]
    [InlineData("$argon2id$v=19$m=19456,t=9999,p=1$AAAAAAAAAAAAAAAAAAAAAA$3I4+G8Hb+nWNCW9b6y5QNX813QAdykZ4QqazSX6pzCs")]
    [InlineData("$argon2id$v=19$m=19456,t=2,p=4$AAAAAAAAAAAAAAAAAAAAAA$3I4+G8Hb+nWNCW9b6y5QNX813QAdykZ4QqazSX6pzCs")]
    [InlineData("$argon2i$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$3I4+G8Hb+nWNCW9b6y5QNX813QAdykZ4QqazSX6pzCs")]
    [InlineData("$argon2id$v=19$m=19456,t=2,p=1$!!!$3I4+G8Hb+nWNCW9b6y5QNX813QAdykZ4QqazSX6pzCs")]
    public async Task Verify_StoredTextThatIsNone_IsFalse(string stored)
    {
        Assert.False(await _hasher.VerifyAsync("password", stored, default));
        Assert.True(PasswordHasher.IsOutdated(stored));
    }

    [Fact]
    public async Task Verify_NobodyStored_IsFalse() => Assert.False(await _hasher.VerifyAsync("password", null, default));

    [Fact]
    public async Task Hash_TooLong_IsRefusedBeforeAnyWork()
    {
        var fault = await Assert.ThrowsAsync<FaultException>(() => _hasher.HashAsync(new string('x', PasswordHasher.PasswordBytesMax + 1), default));
        Assert.Equal(FaultKind.InvalidArgument, fault.Kind);
        Assert.False(await _hasher.VerifyAsync(new string('x', 10_000_000), Known, default));
    }

    [Fact]
    public async Task Flood_OfSignIns_WaitsOrIsRefused()
    {
        Task<Exception?>[] flood = [.. Enumerable.Range(0, PasswordHasher.WaitingMax + 40).Select(
            _ => Record.ExceptionAsync(() => _hasher.VerifyAsync("wrong", Known, default)).AsTask())];
        Exception?[] outcomes = await Task.WhenAll(flood);
        Assert.Contains(outcomes, outcome => outcome is FaultException { Kind: FaultKind.Unavailable });
        Assert.True(outcomes.Count(outcome => outcome is null) >= PasswordHasher.WaitingMax);
        Assert.DoesNotContain(outcomes, outcome => outcome is not (null or FaultException));
        Assert.True(await _hasher.VerifyAsync("password", Known, default));
    }
}
