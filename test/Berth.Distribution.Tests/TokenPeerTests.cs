using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Berth.Faults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Berth.Distribution.Tests;

/// <summary>Against docker-registry with token authentication; the test is the token service.</summary>
public sealed class TokenPeerTests
{
    private static readonly RegistryCredentials s_ann = new() { Username = "ann", Password = "s3cret-of-ann" };

    [Theory]
    [InlineData("RS256")]
    [InlineData("ES256")]
    public async Task PushThenPull_TokenAuth_GetsOnlyWhatTheServiceGrants(string algorithm)
    {
        RegistryServer.SkipUnlessInstalled();
        await using TokenServer tokens = await TokenServer.StartAsync(algorithm);
        await using RegistryServer registry = await RegistryServer.StartAsync(auth:
            $"auth:\n  token:\n    realm: http://{tokens.Host}/token\n    service: test-registry\n    issuer: test-issuer\n"
            + $"    rootcertbundle: {tokens.Bundle}\n");
        await using FakeRegistry source = await FakeRegistry.StartAsync();
        source.AddImage("1", layers: 2, bytes: 200_000);
        using Rig rig = new();
        using PullResult image = await rig.PullAsync($"{source.Host}/a:1");

        await rig.PushAsync($"{registry.Host}/ann/x:1", image, s_ann);
        using Rig fresh = new();
        using PullResult back = await fresh.PullAsync($"{registry.Host}/ann/x:1", s_ann);
        Assert.Equal(image.Manifest.Bytes.ToArray(), back.Manifest.Bytes.ToArray());
        Assert.Contains("repository:ann/x:pull,push", tokens.Scopes);
        Assert.Contains("repository:ann/x:pull", tokens.Scopes);

        // Mounting needs the right to read the other repository too.
        await rig.PushAsync($"{registry.Host}/ann/y:1", image, s_ann, mountFrom: $"{registry.Host}/ann/x");
        Assert.Equal(2, rig.Events.Lines.Count(line => line.EndsWith(": Mounted from ann/x", StringComparison.Ordinal)));
        Assert.Equal("Login Succeeded", (await rig.Distribution.LoginAsync(
            s_ann with { ServerAddress = registry.Host }, TestContext.Current.CancellationToken)).Status);

        await AssertRefusedAsync(() => rig.PushAsync($"{registry.Host}/bob/x:1", image, s_ann), tokens);
        await AssertRefusedAsync(() => rig.PullAsync($"{registry.Host}/ann/x:1"), tokens);
        RegistryCredentials wrong = s_ann with { Password = "not-her-password", ServerAddress = registry.Host };
        FaultException refused = await AssertRefusedAsync(() => rig.PullAsync($"{registry.Host}/ann/x:1", wrong), tokens);
        Assert.Equal(FaultKind.Unauthorized, refused.Kind);
        refused = await AssertRefusedAsync(() => rig.Distribution.LoginAsync(wrong, TestContext.Current.CancellationToken), tokens);
        Assert.Equal(FaultKind.Unauthorized, refused.Kind);
    }

    // Whatever goes wrong, no secret is in what users and logs see: neither the password, nor its base64, nor a token.
    private static async Task<FaultException> AssertRefusedAsync(Func<Task> attempt, TokenServer tokens)
    {
        FaultException fault = await Assert.ThrowsAsync<FaultException>(attempt);
        string all = fault.ToString();
        string[] secrets = [s_ann.Password, "not-her-password", Convert.ToBase64String(Encoding.UTF8.GetBytes($"ann:{s_ann.Password}")), .. tokens.Issued];
        Assert.All(secrets, secret => Assert.DoesNotContain(secret, all, StringComparison.Ordinal));
        Assert.Contains(fault.Kind, (FaultKind[])[FaultKind.NotFound, FaultKind.Forbidden, FaultKind.Unauthorized]);
        return fault;
    }

    private sealed class TokenServer : IAsyncDisposable
    {
        private readonly WebApplication _app;
        private readonly string _algorithm;
        private readonly AsymmetricAlgorithm _key;
        private readonly X509Certificate2 _certificate;

        private TokenServer(WebApplication app, string algorithm)
        {
            (_app, _algorithm) = (app, algorithm);
            using TestAuthority authority = new();
            _key = algorithm == "RS256" ? RSA.Create(2048) : ECDsa.Create(ECCurve.NamedCurves.nistP256);
            _certificate = authority.Issue(_key);
            Bundle = Path.GetTempFileName();
            File.WriteAllText(Bundle, authority.Root.ExportCertificatePem() + "\n" + _certificate.ExportCertificatePem() + "\n");
        }

        public string Bundle { get; }

        public string Host { get; private set; } = "";

        public System.Collections.Concurrent.ConcurrentBag<string> Scopes { get; } = [];

        public System.Collections.Concurrent.ConcurrentBag<string> Issued { get; } = [];

        public static async Task<TokenServer> StartAsync(string algorithm)
        {
            WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            WebApplication app = builder.Build();
            app.Urls.Add("http://127.0.0.1:0");
            TokenServer server = new(app, algorithm);
            app.Run(server.AnswerAsync);
            await app.StartAsync();
            server.Host = app.Urls.Single()["http://".Length..];
            return server;
        }

        public async ValueTask DisposeAsync()
        {
            await _app.DisposeAsync();
            _key.Dispose();
            _certificate.Dispose();
            File.Delete(Bundle);
        }

        private async Task AnswerAsync(HttpContext context)
        {
            string authorization = context.Request.Headers.Authorization.ToString();
            bool isAnn = authorization == "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"ann:{s_ann.Password}"));
            if (authorization.Length > 0 && !isAnn)
            {
                context.Response.StatusCode = 401;
                return;
            }
            List<string> access = [];
            foreach (string? scope in context.Request.Query["scope"])
            {
                Scopes.Add(scope!);
                string[] parts = scope!.Split(':');
                if (isAnn && parts[1].StartsWith("ann/", StringComparison.Ordinal))
                    access.Add($$"""{"type":"repository","name":"{{parts[1]}}","actions":["{{parts[2].Replace(",", "\",\"")}}"]}""");
            }
            await context.Response.WriteAsync($$"""{"token":"{{Sign(string.Join(',', access))}}","expires_in":300}""");
        }

        private string Sign(string access)
        {
            long now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
            string header = $$"""{"typ":"JWT","alg":"{{_algorithm}}","x5c":["{{Convert.ToBase64String(_certificate.RawData)}}"]}""";
            string claims = $$"""
                {"iss":"test-issuer","sub":"ann","aud":"test-registry","exp":{{now + 300}},"nbf":{{now - 10}},"iat":{{now - 10}},"jti":"{{Guid.NewGuid()}}","access":[{{access}}]}
                """;
            string content = $"{Encode(Encoding.UTF8.GetBytes(header))}.{Encode(Encoding.UTF8.GetBytes(claims))}";
            byte[] bytes = Encoding.ASCII.GetBytes(content);
            byte[] signature = _key is RSA rsa
                ? rsa.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
                : ((ECDsa)_key).SignData(bytes, HashAlgorithmName.SHA256);
            string token = $"{content}.{Encode(signature)}";
            Issued.Add(token);
            return token;
        }

        private static string Encode(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');
    }
}
