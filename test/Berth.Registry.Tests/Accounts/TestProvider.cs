using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Tests.Accounts;

/// <summary>A small OpenID provider: one client, codes with PKCE, tokens signed by RSA. Tests decide what its tokens say.</summary>
internal sealed class TestProvider : IAsyncDisposable
{
    public const string ClientId = "the hub";
    public const string ClientSecret = "s&cret";

    private readonly WebApplication _application;
    private readonly Dictionary<string, (string Challenge, string Redirect, string Nonce)> _codes = [];
    private RSA _key = RSA.Create(2048);
    private int _keys = 1;

    private TestProvider(WebApplication application) => _application = application;

    public string Issuer => _application.Urls.First();

    /// <summary>Who signs in next.</summary>
    public Dictionary<string, object> Claims { get; set; } = new() { ["sub"] = "s-1", ["preferred_username"] = "Alice.Smith@campus.example" };

    /// <summary>What the next token's header says instead of RS256.</summary>
    public string Algorithm { get; set; } = "RS256";

    /// <summary>How often keys were asked for.</summary>
    public int KeyRequests { get; private set; }

    public DateTimeOffset Now { get; set; } = DateTimeOffset.UtcNow;

    public static async Task<TestProvider> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        WebApplication application = builder.Build();
        var provider = new TestProvider(application);
        application.Run(provider.AnswerAsync);
        await application.StartAsync();
        return provider;
    }

    public void ChangeKey()
    {
        _key.Dispose();
        _key = RSA.Create(2048);
        _keys++;
    }

    /// <summary>What the browser does at the provider: signs in, and is sent back with a code.</summary>
    public Uri SignIn(Uri authorization)
    {
        Dictionary<string, string> query = authorization.Query[1..].Split('&').Select(part => part.Split('=', 2))
            .ToDictionary(pair => pair[0], pair => Uri.UnescapeDataString(pair[1]));
        Assert.Equal(("code", ClientId, "S256", "openid profile email"), (
            query["response_type"], query["client_id"], query["code_challenge_method"], query["scope"]));
        string code = Convert.ToHexString(RandomNumberGenerator.GetBytes(16));
        _codes[code] = (query["code_challenge"], query["redirect_uri"], query["nonce"]);
        return new Uri($"{query["redirect_uri"]}?code={code}&state={query["state"]}");
    }

    public async ValueTask DisposeAsync()
    {
        await _application.DisposeAsync();
        _key.Dispose();
    }

    private Task AnswerAsync(HttpContext context) => context.Request.Path.Value switch
    {
        "/.well-known/openid-configuration" => context.Response.WriteAsync(
            $$"""{"issuer":"{{Issuer}}","authorization_endpoint":"{{Issuer}}/authorize","token_endpoint":"{{Issuer}}/token","jwks_uri":"{{Issuer}}/keys"}"""),
        "/keys" => KeysAsync(context),
        "/token" => TokenAsync(context),
        "/authorize" => AuthorizeAsync(context),
        _ => NotFoundAsync(context),
    };

    // A browser comes here itself. Whoever asks is signed in already.
    private Task AuthorizeAsync(HttpContext context)
    {
        context.Response.Redirect(SignIn(new Uri(Issuer + context.Request.Path + context.Request.QueryString)).AbsoluteUri);
        return Task.CompletedTask;
    }

    private static Task NotFoundAsync(HttpContext context)
    {
        context.Response.StatusCode = 404;
        return Task.CompletedTask;
    }

    private Task KeysAsync(HttpContext context)
    {
        KeyRequests++;
        RSAParameters key = _key.ExportParameters(false);
        return context.Response.WriteAsync(
            $$"""{"keys":[{"kty":"RSA","use":"sig","kid":"k{{_keys}}","n":"{{Base64Url.EncodeToString(key.Modulus)}}","e":"{{Base64Url.EncodeToString(key.Exponent)}}"}]}""");
    }

    private async Task TokenAsync(HttpContext context)
    {
        IFormCollection form = await context.Request.ReadFormAsync();
        string basic = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{Uri.EscapeDataString(ClientId)}:{Uri.EscapeDataString(ClientSecret)}"));
        bool isKnown = _codes.Remove(form["code"].ToString(), out (string Challenge, string Redirect, string Nonce) code);
        bool isGood = isKnown && context.Request.Headers.Authorization == $"Basic {basic}"
            && code.Redirect == form["redirect_uri"]
            && Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(form["code_verifier"].ToString()))) == code.Challenge;
        if (!isGood)
        {
            context.Response.StatusCode = 400;
            await context.Response.WriteAsync("{\"error\":\"invalid_grant\"}");
            return;
        }
        await context.Response.WriteAsync($$"""{"access_token":"x","token_type":"Bearer","id_token":"{{Sign(code.Nonce)}}"}""");
    }

    private string Sign(string nonce)
    {
        var claims = new Dictionary<string, object>
        {
            ["iss"] = Issuer, ["aud"] = ClientId, ["exp"] = Now.AddMinutes(5).ToUnixTimeSeconds(), ["iat"] = Now.ToUnixTimeSeconds(), ["nonce"] = nonce,
        };
        foreach ((string name, object value) in Claims)
            claims[name] = value;
        string payload = "{" + string.Join(',', claims.Select(claim =>
            $"\"{claim.Key}\":{claim.Value switch { string text => $"\"{JsonEncodedText.Encode(text)}\"", bool truth => truth ? "true" : "false", var number => number }}")) + "}";
        string text = $"{Encode($$"""{"alg":"{{Algorithm}}","kid":"k{{_keys}}","typ":"JWT"}""")}.{Encode(payload)}";
        byte[] signature = Algorithm == "none" ? [] : _key.SignData(Encoding.ASCII.GetBytes(text), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return $"{text}.{Base64Url.EncodeToString(signature)}";
    }

    private static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));
}
