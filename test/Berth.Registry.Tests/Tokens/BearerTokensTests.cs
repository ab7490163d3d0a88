using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Berth.Registry.Model;
using Berth.Registry.Tokens;
using Microsoft.Extensions.Time.Testing;

namespace Berth.Registry.Tests.Tokens;

/// <summary>F5: what a bearer token must not get away with.</summary>
public sealed class BearerTokensTests
{
    private const string Service = "hub.example";
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 26, 12, 0, 0, TimeSpan.Zero));
    private readonly MemoryKeys _keys;
    private readonly BearerTokens _bearers;

    private readonly BearerClaims _claims = new()
    {
        AccountId = 7,
        Name = "alice",
        TokenId = 3,
        Access = [new TokenScope("alice/app", RepositoryAccess.Pull | RepositoryAccess.Push)],
        IncludesCatalog = true,
    };

    public BearerTokensTests()
    {
        _keys = new MemoryKeys(_time);
        _bearers = Make();
    }

    private BearerTokens Make(string service = Service) => new(_keys, service, _time);

    [Fact]
    public async Task Token_SaysWhatItWasGiven()
    {
        BearerClaims read = (await _bearers.ReadAsync(await IssueAsync(), default))!;
        Assert.Equal((_claims.AccountId, _claims.Name, _claims.TokenId, true), (read.AccountId, read.Name, read.TokenId, read.IncludesCatalog));
        Assert.Equal(_claims.Access, read.Access);
        Assert.Equal(_time.GetUtcNow() + BearerTokens.Lifetime, read.ExpiresAt);
    }

    [Fact]
    public async Task Token_ForAnybody_NamesNoAccount()
    {
        BearerClaims read = (await _bearers.ReadAsync(await _bearers.IssueAsync(new BearerClaims(), default), default))!;
        Assert.Null(read.AccountId);
        Assert.Empty(read.Access);
    }

    [Fact]
    public async Task Token_Expires_AfterTheSkew_AlsoWhenItIsRemembered()
    {
        string token = await IssueAsync();
        Assert.NotNull(await _bearers.ReadAsync(token, default));
        _time.Advance(BearerTokens.Lifetime + BearerTokens.ClockSkew - TimeSpan.FromSeconds(1));
        Assert.NotNull(await _bearers.ReadAsync(token, default));
        Assert.NotNull(await Make().ReadAsync(token, default));
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Null(await _bearers.ReadAsync(token, default));
        Assert.Null(await Make().ReadAsync(token, default));
    }

    [Fact]
    public async Task Token_FromAClockAhead_IsTakenWithinTheSkewOnly()
    {
        string token = await IssueAsync();
        var slow = new FakeTimeProvider(_time.GetUtcNow() - BearerTokens.ClockSkew);
        Assert.NotNull(await new BearerTokens(_keys, Service, slow).ReadAsync(token, default));
        var slower = new FakeTimeProvider(_time.GetUtcNow() - BearerTokens.ClockSkew - TimeSpan.FromSeconds(2));
        Assert.Null(await new BearerTokens(_keys, Service, slower).ReadAsync(token, default));
    }

    [Fact]
    public async Task Token_OfAnotherService_IsRefused() => Assert.Null(await Make("other.example").ReadAsync(await IssueAsync(), default));

    [Fact]
    public async Task Token_ChangedAnywhere_IsRefused()
    {
        string token = await IssueAsync();
        string[] parts = token.Split('.');
        string wider = Encode(Decode(parts[1]).Replace("alice/app", "root/secret", StringComparison.Ordinal));
        Assert.Null(await _bearers.ReadAsync($"{parts[0]}.{wider}.{parts[2]}", default));
        Assert.Null(await _bearers.ReadAsync($"{parts[0]}.{parts[1]}.", default));
        Assert.Null(await _bearers.ReadAsync($"{parts[0]}.{parts[1]}", default));
        Assert.Null(await _bearers.ReadAsync(token[..^4] + "AAAA", default));
    }

    [Theory]
    [InlineData("none")]
    [InlineData("None")]
    [InlineData("NONE")]
    [InlineData("HS256")]
    [InlineData("ES384")]
    [InlineData("RS256")]
    public async Task Token_WithAnotherAlgorithm_IsRefused(string algorithm)
    {
        string[] parts = (await IssueAsync()).Split('.');
        string header = Encode($$"""{"alg":"{{algorithm}}","kid":"{{_keys.Key.Id}}","typ":"JWT"}""");
        foreach (string signature in new[] { "", parts[2], Mac($"{header}.{parts[1]}") })
            Assert.Null(await _bearers.ReadAsync($"{header}.{parts[1]}.{signature}", default));
    }

    [Theory]
    [InlineData("jwk")]
    [InlineData("x5c")]
    [InlineData("jku")]
    public async Task Token_ThatBringsItsOwnKey_IsRefused(string field)
    {
        // CVE-2025-24976: signed by the key that the header itself carries, under the name of ours.
        using ECDsa own = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        ECParameters key = own.ExportParameters(false);
        string jwk = $$"""{"kty":"EC","crv":"P-256","x":"{{Base64Url.EncodeToString(key.Q.X)}}","y":"{{Base64Url.EncodeToString(key.Q.Y)}}"}""";
        string value = field switch { "jwk" => jwk, "x5c" => $"[\"{Convert.ToBase64String(own.ExportSubjectPublicKeyInfo())}\"]", _ => "\"http://127.0.0.1/keys\"" };
        string payload = (await IssueAsync()).Split('.')[1];
        foreach (string id in new[] { _keys.Key.Id, "own" })
        {
            string header = Encode($$"""{"alg":"ES256","kid":"{{id}}","typ":"JWT","{{field}}":{{value}}}""");
            string signature = Base64Url.EncodeToString(own.SignData(Encoding.UTF8.GetBytes($"{header}.{payload}"), HashAlgorithmName.SHA256));
            Assert.Null(await _bearers.ReadAsync($"{header}.{payload}.{signature}", default));
        }
    }

    [Fact]
    public async Task Token_OfAnUnknownKey_IsRefused()
    {
        var other = new MemoryKeys(_time);
        Assert.Null(await _bearers.ReadAsync(await new BearerTokens(other, Service, _time).IssueAsync(_claims, default), default));
    }

    [Fact]
    public async Task Token_OfOurKey_ThatLivesTooLong_IsRefused()
    {
        string payload = Encode($$"""
            {"iss":"{{Service}}","aud":"{{Service}}","sub":"alice","account":7,"access":[],"nbf":{{_time.GetUtcNow().ToUnixTimeSeconds()}},
            "exp":{{_time.GetUtcNow().AddYears(10).ToUnixTimeSeconds()}}}
            """);
        Assert.Null(await _bearers.ReadAsync(SignAsOurs(payload), default));
        string endless = Encode($$"""{"iss":"{{Service}}","aud":"{{Service}}","sub":"alice","account":7,"access":[]}""");
        Assert.Null(await _bearers.ReadAsync(SignAsOurs(endless), default));
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a.b.c")]
    [InlineData("e30.e30.")]
    [InlineData("bnVsbA.e30.AAAA")]
    public async Task Text_ThatIsNoToken_IsRefused(string text) => Assert.Null(await _bearers.ReadAsync(text, default));

    [Fact]
    public async Task Text_TooLong_IsRefused() => Assert.Null(await _bearers.ReadAsync(new string('a', BearerTokens.LengthMax + 1), default));

    private async Task<string> IssueAsync() => await _bearers.IssueAsync(_claims, default);

    private string SignAsOurs(string payload)
    {
        string header = Encode($$"""{"alg":"ES256","kid":"{{_keys.Key.Id}}","typ":"JWT"}""");
        byte[] signature = _keys.Key.Security.ECDsa.SignData(Encoding.UTF8.GetBytes($"{header}.{payload}"), HashAlgorithmName.SHA256);
        return $"{header}.{payload}.{Base64Url.EncodeToString(signature)}";
    }

    // HS256 with the public key as its secret: the classic confusion.
    private string Mac(string text) => Base64Url.EncodeToString(
        HMACSHA256.HashData(_keys.Key.Security.ECDsa.ExportSubjectPublicKeyInfo(), Encoding.UTF8.GetBytes(text)));

    private static string Encode(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));

    private static string Decode(string part) => Encoding.UTF8.GetString(Base64Url.DecodeFromChars(part));
}
