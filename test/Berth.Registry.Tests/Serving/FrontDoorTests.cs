using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Berth.Faults;
using Berth.Registry.Accounts;
using Berth.Registry.Model;
using Berth.Registry.Operation.Limits;
using Berth.Registry.Operation.Serving;
using Berth.Registry.Pages.Frame;
using Berth.Registry.Storage;
using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Tests.Serving;

public sealed class FrontDoorTests
{
    [Fact]
    public async Task Proxy_ThatIsTrusted_SaysWhereClientsAre()
    {
        await using RunningHub hub = await RunningHub.StartAsync(options => options with
        {
            Serving = new ServingSettings { TrustedProxies = [IPNetwork.Parse("127.0.0.0/8")] },
        });
        (string, string)[] forwarded = [("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "hub.example"), ("X-Forwarded-For", "192.0.2.7")];
        Assert.Contains("realm=\"https://hub.example/auth/token\"", (await hub.GetAsync("/v2/", null, forwarded)).Headers.WwwAuthenticate.Single().ToString());
        // Failures count for the client, not for the proxy.
        await hub.UserAsync("alice");
        for (int i = 0; i < LoginThrottle.PairFailuresMax; i++)
            await hub.GetAsync("/auth/token", RunningHub.Basic("alice", "wrong guess"), forwarded);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await hub.GetAsync("/auth/token", RunningHub.Basic("alice"), forwarded)).Status);
        Assert.Equal(HttpStatusCode.OK, (await hub.GetAsync("/auth/token", RunningHub.Basic("alice"), ("X-Forwarded-For", "192.0.2.8"))).Status);
    }

    [Fact]
    public async Task Proxy_ThatNobodyTrusts_SaysNothing()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        HttpResponseHeaders headers = (await hub.GetAsync(
            "/v2/", null, ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil.example"))).Headers;
        Assert.Contains($"realm=\"http://{hub.Client.BaseAddress!.Authority}/auth/token\"", headers.WwwAuthenticate.Single().ToString());
    }

    [Fact]
    public async Task PublicUrl_IsWhatClientsAreTold()
    {
        await using RunningHub hub = await RunningHub.StartAsync(options => options with
        {
            Accounts = new AccountSettings { PublicUrl = new Uri("https://hub.example:8443/"), Service = "my-hub" },
        });
        Assert.Equal(
            "Bearer realm=\"https://hub.example:8443/auth/token\",service=\"my-hub\"",
            (await hub.GetAsync("/v2/", null, ("Host", "evil.example"))).Headers.WwwAuthenticate.Single().ToString());
    }

    [Fact]
    public async Task Limits_CountByAddressOrAccount_AndSaySo()
    {
        await using RunningHub hub = await RunningHub.StartAsync(options => options with
        {
            Serving = new ServingSettings { Rates = new RateSettings { AnonymousRequests = new(3, TimeSpan.FromMinutes(1)), AccountPulls = new(2, TimeSpan.FromHours(6)) } },
        });
        await hub.UserAsync("alice");
        for (int left = 2; left >= 0; left--)
        {
            HttpResponseHeaders headers = (await hub.GetAsync("/v2/")).Headers;
            Assert.Equal(("3;w=60", $"{left};w=60"), (headers.GetValues("RateLimit-Limit").Single(), headers.GetValues("RateLimit-Remaining").Single()));
        }
        (HttpStatusCode status, JsonElement body, HttpResponseHeaders refused) = await hub.GetAsync("/v2/");
        Assert.Equal((HttpStatusCode.TooManyRequests, "TOOMANYREQUESTS"), (status, body.GetProperty("errors")[0].GetProperty("code").GetString()));
        Assert.Equal(TimeSpan.FromSeconds(20), refused.RetryAfter!.Delta);
        // Wrong credentials are no way around; right ones have a limit of their own.
        Assert.Equal(HttpStatusCode.TooManyRequests, (await hub.GetAsync("/v2/", RunningHub.Basic("alice", "wrong horse"))).Status);
        Assert.Equal(HttpStatusCode.OK, (await hub.GetAsync("/v2/", RunningHub.Basic("alice"))).Status);
        await hub.GetAsync("/v2/alice/app/manifests/latest", RunningHub.Basic("alice"));
        await hub.GetAsync("/v2/alice/app/manifests/latest", RunningHub.Basic("alice"));
        Assert.Equal(HttpStatusCode.TooManyRequests, (await hub.GetAsync("/v2/alice/app/manifests/latest", RunningHub.Basic("alice"))).Status);
        Assert.Equal(HttpStatusCode.OK, (await hub.GetAsync("/health")).Status);
        hub.Time.Advance(TimeSpan.FromSeconds(20));
        Assert.Equal(HttpStatusCode.Unauthorized, (await hub.GetAsync("/v2/")).Status);
    }

    [Fact]
    public async Task Head_OfAManifest_TellsTheRestOfThePulls_AndIsNone()
    {
        await using RunningHub hub = await RunningHub.StartAsync(options => options with
        {
            Serving = new ServingSettings
            {
                Rates = new RateSettings { AccountPulls = new(2, TimeSpan.FromHours(6)), AccountRequests = new(1000, TimeSpan.FromMinutes(1)) },
            },
        });
        await hub.UserAsync("alice");
        AuthenticationHeaderValue alice = RunningHub.Basic("alice");
        await hub.PushAsync("alice/app", "v1", "content", alice);
        async Task<(HttpStatusCode, string, string)> Ask(HttpMethod method)
        {
            using HttpResponseMessage answer = await hub.SendAsync(method, "/v2/alice/app/manifests/v1", alice);
            return (answer.StatusCode, answer.Headers.GetValues("RateLimit-Limit").Single(), answer.Headers.GetValues("RateLimit-Remaining").Single());
        }
        Assert.Equal((HttpStatusCode.OK, "2;w=21600", "2;w=21600"), await Ask(HttpMethod.Head));
        Assert.Equal((HttpStatusCode.OK, "2;w=21600", "2;w=21600"), await Ask(HttpMethod.Head));
        Assert.Equal((HttpStatusCode.OK, "2;w=21600", "1;w=21600"), await Ask(HttpMethod.Get));
        Assert.Equal((HttpStatusCode.OK, "2;w=21600", "1;w=21600"), await Ask(HttpMethod.Head));
        Assert.Equal((HttpStatusCode.OK, "2;w=21600", "0;w=21600"), await Ask(HttpMethod.Get));
        Assert.Equal((HttpStatusCode.OK, "2;w=21600", "0;w=21600"), await Ask(HttpMethod.Head));
        Assert.Equal((HttpStatusCode.TooManyRequests, "2;w=21600", "0;w=21600"), await Ask(HttpMethod.Get));
    }

    [Theory]
    [InlineData("/", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html")]
    [InlineData("/search?q=%3Cb%3E%22x", "text/html", "text/html")]
    [InlineData("/", "*/*", "application/json")]
    [InlineData("/v2/alice/app/manifests/v1", "text/html", "application/json")]
    [InlineData("/api/v1", "text/html", "application/json")]
    public async Task Limit_IsAPageForABrowser_AndJsonForPrograms(string path, string accept, string type)
    {
        await using RunningHub hub = await RunningHub.StartAsync(options => options with
        {
            Serving = new ServingSettings { Rates = new RateSettings { AnonymousRequests = new(1, TimeSpan.FromMinutes(10)) } },
        });
        async Task<HttpResponseMessage> Ask(string address)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address);
            request.Headers.TryAddWithoutValidation("Accept", accept);
            return await hub.Client.SendAsync(request);
        }
        (await Ask("/health")).Dispose();
        (await Ask(path)).Dispose();
        using HttpResponseMessage refused = await Ask(path);
        string body = await refused.Content.ReadAsStringAsync();
        Assert.Equal((HttpStatusCode.TooManyRequests, type), (refused.StatusCode, refused.Content.Headers.ContentType!.MediaType));
        Assert.Equal(TimeSpan.FromMinutes(10), refused.Headers.RetryAfter!.Delta);
        Assert.Equal("1;w=600", refused.Headers.GetValues("RateLimit-Limit").Single());
        if (type != "text/html")
            return;
        Assert.Contains("<b>in 10 minutes</b>", body);
        Assert.Contains($"href=\"{path.Replace("&", "&amp;")}\"", body);
        Assert.True(refused.Headers.CacheControl!.NoStore);
        // Its style is there, however many ask.
        string style = body.Split("rel=\"stylesheet\" href=\"")[1].Split('"')[0];
        using HttpResponseMessage css = await Ask(style);
        Assert.Equal((HttpStatusCode.OK, "text/css"), (css.StatusCode, css.Content.Headers.ContentType!.MediaType));
    }

    [Fact]
    public async Task WaitPage_OfAnAddressLikeAnotherHosts_LeadsToThisHub()
    {
        var context = new DefaultHttpContext();
        context.Request.Method = "GET";
        context.Request.Path = "//evil.example/x";
        context.Response.Body = new MemoryStream();
        await WaitPage.SendAsync(context, "too many requests: try again later");
        context.Response.Body.Position = 0;
        string body = await new StreamReader(context.Response.Body).ReadToEndAsync();
        Assert.DoesNotContain("evil", body);
        Assert.Contains("class=\"button\" href=\"/\"", body);
    }

    [Fact]
    public async Task Limits_DoNotMakeAWrongPasswordCountTwice()
    {
        await using RunningHub hub = await RunningHub.StartAsync(options => options with
        {
            Serving = new ServingSettings { Rates = new RateSettings { AnonymousPulls = new(100, TimeSpan.FromHours(6)) } },
        });
        await hub.UserAsync("alice");
        for (int i = 0; i < LoginThrottle.PairFailuresMax; i++)
            Assert.Equal(HttpStatusCode.Unauthorized, (await hub.GetAsync("/auth/token", RunningHub.Basic("alice", "wrong guess"))).Status);
        Assert.Equal(LoginThrottle.PairFailuresMax, hub.Services.Accounts.SignIn.Failures);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await hub.GetAsync("/auth/token", RunningHub.Basic("alice", "wrong guess"))).Status);
    }

    [Fact]
    public async Task Limits_CountAWholeNetworkOfIPv6AsOneAddress()
    {
        await using RunningHub hub = await RunningHub.StartAsync(options => options with
        {
            Serving = new ServingSettings
            {
                TrustedProxies = [IPNetwork.Parse("127.0.0.0/8")],
                Rates = new RateSettings { AnonymousRequests = new(2, TimeSpan.FromMinutes(1)) },
            },
        });
        async Task<HttpStatusCode> Ask(string address) => (await hub.GetAsync("/v2/", null, ("X-Forwarded-For", address))).Status;
        Assert.Equal(HttpStatusCode.Unauthorized, await Ask("2001:db8:1:2::1"));
        Assert.Equal(HttpStatusCode.Unauthorized, await Ask("2001:db8:1:2::2"));
        Assert.Equal(HttpStatusCode.TooManyRequests, await Ask("2001:db8:1:2:ffff::3"));
        Assert.Equal(HttpStatusCode.Unauthorized, await Ask("2001:db8:1:3::1"));
        // Each IPv4 address is one, however it is written.
        Assert.Equal(HttpStatusCode.Unauthorized, await Ask("192.0.2.1"));
        Assert.Equal(HttpStatusCode.Unauthorized, await Ask("::ffff:192.0.2.1"));
        Assert.Equal(HttpStatusCode.TooManyRequests, await Ask("192.0.2.1"));
        Assert.Equal(HttpStatusCode.Unauthorized, await Ask("192.0.2.2"));
    }

    [Theory]
    [InlineData("100/6h", 100, 6 * 3600)]
    [InlineData("1/1s", 1, 1)]
    [InlineData("600/10m", 600, 600)]
    [InlineData("5/2d", 5, 2 * 86400)]
    [InlineData("0/1h", 0, 0)]
    [InlineData("100", 0, 0)]
    [InlineData("100/", 0, 0)]
    [InlineData("100/h", 0, 0)]
    [InlineData("100/6w", 0, 0)]
    [InlineData("-1/6h", 0, 0)]
    [InlineData("100/6h/1", 0, 0)]
    [InlineData("99999999999/6h", 0, 0)]
    public void Rate_IsReadOrRefused(string text, int count, int seconds)
    {
        Assert.Equal(count > 0, Rate.TryParse(text, out Rate rate));
        Assert.Equal(new Rate(count, TimeSpan.FromSeconds(seconds)), count > 0 ? rate : new Rate(0, TimeSpan.Zero));
    }

    [Fact]
    public async Task Health_IsForAnybody_MetricsAreNot()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await hub.UserAsync("alice");
        await hub.UserAsync("root1", isAdministrator: true);
        Assert.Equal("ok", (await hub.GetAsync("/health")).Body.GetProperty("status").GetString());
        Assert.Equal(HttpStatusCode.OK, (await hub.GetAsync("/ready")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await hub.GetAsync("/metrics")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await hub.GetAsync("/metrics", RunningHub.Basic("alice"))).Status);
        Assert.Equal(HttpStatusCode.OK, (await hub.GetAsync("/metrics", RunningHub.Basic("root1"))).Status);
        hub.Services.Operation.Health.IsStopping = true;
        (HttpStatusCode status, JsonElement body, _) = await hub.GetAsync("/ready");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "stopping"), (status, body.GetProperty("problem").GetString()));
        Assert.Equal(HttpStatusCode.OK, (await hub.GetAsync("/health")).Status);
        hub.Services.Operation.Health.IsStopping = false;
        Directory.Move(hub.DataDirectory, hub.DataDirectory + "-away");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await hub.GetAsync("/ready")).Status);
        Directory.Move(hub.DataDirectory + "-away", hub.DataDirectory);
    }

    [Theory]
    [InlineData(false), InlineData(true)]
    public async Task Ready_WhileTheBucketIsAway_IsNot(bool isSilent)
    {
        using var service = new TcpListener(IPAddress.Loopback, 0);
        service.Start();
        S3Options bucket = new()
        {
            Endpoint = new Uri($"http://{service.LocalEndpoint}"), Bucket = "hub", AccessKey = "key", SecretKey = "secret",
        };
        // One that is gone refuses; one that hangs takes connections and never answers.
        if (!isSilent)
            service.Stop();
        await using RunningHub hub = await RunningHub.StartAsync(options => options with { S3 = bucket });
        (HttpStatusCode status, JsonElement body, _) = await hub.GetAsync("/ready");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "storage"), (status, body.GetProperty("problem").GetString()));
        Assert.Equal(HttpStatusCode.OK, (await hub.GetAsync("/health")).Status);
    }

    [Theory]
    [InlineData("DELETE", "/health", "GET, HEAD"), InlineData("POST", "/ready", "GET, HEAD"), InlineData("PUT", "/metrics", "GET, HEAD")]
    [InlineData("DELETE", "/auth/token", "GET, POST")]
    public async Task Method_ThatIsNotOffered_Answers405(string method, string path, string allowed)
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        using HttpResponseMessage response = await hub.SendAsync(new HttpMethod(method), path, null);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, response.StatusCode);
        Assert.Equal(allowed, string.Join(", ", response.Content.Headers.Allow));
    }

    [Fact]
    public void FaultOfADriver_IsToldWithoutItsWords()
    {
        string[] words =
        [
            OutwardText.Of(FaultException.Unavailable(
                "read database: Failed to connect to 10.0.0.5:5432", new Npgsql.NpgsqlException("Failed to connect to 10.0.0.5:5432"))),
            OutwardText.Of(S3BlobStorage.Away(new HttpRequestException("Connection refused (10.0.0.6:9000)"))),
        ];
        Assert.All(words, text => Assert.Matches("^the hub's (database|storage) does not answer: try again", text));
        // What an upstream says of itself, and a full disk, help who reads it.
        Assert.Equal("x", OutwardText.Of(FaultException.Unavailable("x", new HttpRequestException("y"))));
    }

    [Fact]
    public async Task AdministrationListener_ServesMetrics_AndNothingElse()
    {
        await using RunningHub hub = await RunningHub.StartAsync(options => options with
        {
            Serving = new ServingSettings { AdministrationListen = new IPEndPoint(IPAddress.Loopback, 0) },
        });
        await hub.GetAsync("/v2/");
        await hub.GetAsync("/auth/token", RunningHub.Basic("nobody", "wrong horse"));
        using HttpClient client = new() { BaseAddress = hub.Process.AdministrationAddress };
        // A request is counted when its answer has been sent, and then how long it took.
        const string Counted = "berth_hub_requests_total{kind=\"registry\",method=\"GET\",status=\"401\"} 1\n";
        const string Timed = "berth_hub_request_seconds_bucket{kind=\"registry\",le=\"+Inf\"} 1\n";
        string text = await client.GetStringAsync("/metrics");
        for (long start = Environment.TickCount64;
            !(text.Contains(Counted) && text.Contains(Timed)) && Environment.TickCount64 - start < 60_000; await Task.Delay(10))
            text = await client.GetStringAsync("/metrics");
        Assert.Contains(Counted, text);
        Assert.Contains("berth_hub_sign_ins_refused_total 1\n", text);
        Assert.Contains(Timed, text);
        Assert.Contains("berth_hub_users 0\n", text);
        Assert.Equal("{\"status\":\"ok\"}", await client.GetStringAsync("/health"));
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync("/v2/")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync("/auth/token")).StatusCode);
    }

    [Fact]
    public async Task Certificate_IsReadAgain_WhenItChanges()
    {
        DirectoryInfo directory = Directory.CreateTempSubdirectory("berth-tls-");
        TlsFiles files = new(Path.Join(directory.FullName, "cert.pem"), Path.Join(directory.FullName, "key.pem"));
        WriteCertificate(files, "first.example", DateTime.UtcNow.AddMinutes(-10));
        await using (RunningHub hub = await RunningHub.StartAsync(options => options with { Serving = new ServingSettings { Tls = files } }))
        {
            Assert.Equal("https", hub.Process.Server.Addresses[0].Scheme);
            Assert.Equal(("CN=first.example", HttpVersion.Version20), await SubjectAsync(hub));
            // Half of a renewal leaves the old one in place.
            File.WriteAllText(files.Certificate, "-----BEGIN CERTIFICATE-----\n");
            hub.Time.Advance(TimeSpan.FromSeconds(5));
            Assert.Equal("CN=first.example", (await SubjectAsync(hub)).Subject);
            WriteCertificate(files, "second.example", DateTime.UtcNow);
            hub.Time.Advance(TimeSpan.FromSeconds(5));
            Assert.Equal("CN=second.example", (await SubjectAsync(hub)).Subject);
        }
        File.Delete(files.Key);
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => RunningHub.StartAsync(
            options => options with { Serving = new ServingSettings { Tls = files } }));
        Assert.Equal(FaultKind.InvalidArgument, fault.Kind);
        directory.Delete(recursive: true);
    }

    [Fact]
    public async Task Certificate_BehindALinkOfADirectory_IsReadAgain_WhenTheLinkIsExchanged()
    {
        // As a Kubernetes secret lies in a container: tls.crt -> ..data/tls.crt, ..data -> ..1, and then ..data -> ..2.
        DirectoryInfo directory = Directory.CreateTempSubdirectory("berth-tls-");
        TlsFiles files = new(Path.Join(directory.FullName, "tls.crt"), Path.Join(directory.FullName, "tls.key"));
        foreach (string version in new[] { "1", "2" })
        {
            string place = directory.CreateSubdirectory(".." + version).FullName;
            WriteCertificate(new(Path.Join(place, "tls.crt"), Path.Join(place, "tls.key")), $"v{version}.example", DateTime.UnixEpoch);
        }
        string data = Path.Join(directory.FullName, "..data");
        File.CreateSymbolicLink(data, "..1");
        foreach (string file in new[] { files.Certificate, files.Key })
            File.CreateSymbolicLink(file, "..data/" + Path.GetFileName(file));
        await using (RunningHub hub = await RunningHub.StartAsync(options => options with { Serving = new ServingSettings { Tls = files } }))
        {
            Assert.Equal("CN=v1.example", (await SubjectAsync(hub)).Subject);
            File.Delete(data);
            File.CreateSymbolicLink(data, "..2");
            hub.Time.Advance(TimeSpan.FromSeconds(6));
            Assert.Equal("CN=v2.example", (await SubjectAsync(hub)).Subject);
        }
        directory.Delete(recursive: true);
    }

    private static async Task<(string Subject, Version Version)> SubjectAsync(RunningHub hub)
    {
        string subject = "";
        using HttpClient client = new(new SocketsHttpHandler
        {
            SslOptions = new() { RemoteCertificateValidationCallback = (_, certificate, _, _) => (subject = certificate!.Subject).Length > 0 },
        })
        { DefaultRequestVersion = HttpVersion.Version20, BaseAddress = hub.Client.BaseAddress };
        using HttpResponseMessage response = await client.GetAsync("/health");
        return (subject, response.Version);
    }

    private static void WriteCertificate(TlsFiles files, string name, DateTime written)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        File.WriteAllText(files.Certificate, certificate.ExportCertificatePem());
        File.WriteAllText(files.Key, key.ExportPkcs8PrivateKeyPem());
        File.SetLastWriteTimeUtc(files.Certificate, written);
        File.SetLastWriteTimeUtc(files.Key, written);
    }
}
