using System.Net;
using Berth.Registry.Accounts;
using Berth.Registry.Cache;
using Berth.Registry.Operation.Configuration;
using Berth.Registry.Operation.Limits;
using Microsoft.Extensions.Logging;

namespace Berth.Registry.Tests.Serving;

public sealed class ConfigurationTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("berth-hub-");
    private readonly List<string> _errors = [];

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public void Nothing_IsTheDefaults()
    {
        HubConfiguration configuration = HubConfiguration.Build(new SettingValues(), _errors)!;
        Assert.Empty(_errors);
        Assert.Equal(["127.0.0.1:5000"], configuration.Options.Listen.Select(point => point.ToString()));
        Assert.Equal(("/var/lib/berth-hub", null, false), (configuration.Options.DataDirectory, configuration.Options.Database, configuration.Options.AnonymousPush));
        Assert.Equal("/var/lib/berth-hub/secret.key", configuration.Options.SecretKeyPath);
        Assert.Equal((SignUpMode.Closed, LogLevel.Information, false), (configuration.Options.Accounts.SignUp, configuration.LogLevel, configuration.LogsAsJson));
    }

    [Fact]
    public void File_SetsEverything()
    {
        string secret = Write("secret", "s3cret\n");
        string htpasswd = Write("htpasswd", "# nobody yet\n");
        SettingValues values = ConfigurationFile.Read(Write("hub.json", $$"""
            {
              // Comments are welcome.
              "listen": ["127.0.0.1:0", "[::1]:5000"], "data": "/srv/hub", "database": "Host=/run/postgresql", "secret-key-file": "/etc/hub.key", "public-url": "https://hub.example",
              "service": "hub.example", "sign-up": "invited", "htpasswd": "{{htpasswd}}", "tls-certificate": "/etc/c.pem", "tls-key": "/etc/k.pem",
              "trusted-proxies": ["10.0.0.0/8", "::1"], "admin-listen": "127.0.0.1:9000", "webhook-hosts": ["*.example", "10.1.0.0/16"],
              "limit-anonymous-pulls": "100/6h", "limit-account-pulls": "200/6h", "limit-anonymous-requests": "600/1m",
              "limit-account-requests": "6000/1m", "oidc-issuer": "https://login.example/", "oidc-client-id": "hub",
              "oidc-client-secret-file": "{{secret}}", "oidc-name": "Campus", "oidc-scopes": ["openid"], "oidc-sign-up": true,
              "upstreams": [
                { "prefix": "docker.io", "url": "https://registry-1.docker.io", "user": "lab", "password-file": "{{secret}}", "token-url": "https://auth.example/token" },
                { "prefix": "ghcr.io/lab", "url": "http://127.0.0.1:5001", "members-only": true, "tag-time": "5m" },
              ],
              "new-repositories": "private", "unused-blob-time": "1h",
              "upload-time": "2d", "collection-interval": "30m", "s3-endpoint": "https://s3.example", "s3-bucket": "hub", "s3-prefix": "a/",
              "s3-region": "eu", "s3-access-key": "k", "s3-secret-key-file": "{{secret}}", "log-level": "debug", "log-format": "json", "anonymous-push": false,
            }
            """), _errors);
        HubConfiguration configuration = HubConfiguration.Build(values, _errors)!;
        Assert.Empty(_errors);
        // Every setting that exists stands in the file above.
        Assert.All(HubSettings.All, setting => Assert.NotNull(values.List(setting)));
        Assert.Equal("/etc/hub.key", configuration.Options.SecretKeyPath);
        Assert.Equal(htpasswd, configuration.Options.Accounts.HtpasswdFile);
        Assert.Equal(["127.0.0.1:0", "[::1]:5000"], configuration.Options.Listen.Select(point => point.ToString()));
        Assert.Equal(("https://login.example/", "hub", "s3cret", "Campus", true), (
            configuration.Options.Accounts.Oidc!.Issuer, configuration.Options.Accounts.Oidc.ClientId, configuration.Options.Accounts.Oidc.ClientSecret,
            configuration.Options.Accounts.Oidc.Name, configuration.Options.Accounts.Oidc.MakesAccounts));
        Assert.Equal(["10.0.0.0/8", "::1/128"], configuration.Options.Serving.TrustedProxies.Select(network => network.ToString()));
        Assert.Equal(new Rate(100, TimeSpan.FromHours(6)), configuration.Options.Serving.Rates.AnonymousPulls);
        Assert.Equal(("private", TimeSpan.FromDays(2), "hub", "s3cret"), (
            configuration.Options.NewRepositories, configuration.Options.UploadTime, configuration.Options.S3!.Bucket, configuration.Options.S3.SecretKey));
        Assert.Equal(IPEndPoint.Parse("127.0.0.1:9000"), configuration.Options.Serving.AdministrationListen);
        Assert.Equal(
        [
            new UpstreamOptions
            {
                Prefix = "docker.io", Address = new Uri("https://registry-1.docker.io"), UserName = "lab", Password = "s3cret",
                TokenAddress = new Uri("https://auth.example/token"),
            },
            new UpstreamOptions
            {
                Prefix = "ghcr.io/lab", Address = new Uri("http://127.0.0.1:5001"), IsPublic = false, TagTime = TimeSpan.FromMinutes(5),
            },
        ], configuration.Options.Upstreams);
    }

    [Theory]
    [InlineData("url=https://a.example", "?: prefix: the beginning")]
    [InlineData("prefix=Docker.io,url=https://a.example", "Docker.io: prefix: the beginning")]
    [InlineData("prefix=a/,url=https://a.example", "a/: prefix: the beginning")]
    [InlineData("prefix=a", "a: url: it is needed")]
    [InlineData("prefix=a,url=a.example", "a: url: a.example: not an address")]
    [InlineData("prefix=a,url=ftp://a.example", "a: url: ftp://a.example: not an address")]
    [InlineData("prefix=a,url=https://me:secret@a.example", "a: url: ")]
    [InlineData("prefix=a,url=https://a.example/v2", "a: url: a registry has no path")]
    [InlineData("prefix=a,url=https://a.example,colour=red", "a: colour: there is no such key")]
    [InlineData("prefix=a,url=https://a.example,url=https://b.example", "a: url: it is given twice")]
    [InlineData("prefix=a,url=https://a.example,tag-time=soon", "a: tag-time: soon: not a time")]
    [InlineData("prefix=a,url=https://a.example,tag-time", "a: tag-time: it is empty")]
    [InlineData("prefix=a,url=https://a.example,members-only=yes", "a: members-only: true or false")]
    [InlineData("prefix=a,url=https://a.example,user=me", "a: user and password-file: both are needed")]
    [InlineData("prefix=a,url=https://a.example,user=me,password-file=/nowhere/at/all", "a: password-file: /nowhere/at/all: ")]
    [InlineData("prefix=a,url=http://a.example,user=me,password-file={secret}", "a: password-file: a password is sent over https only")]
    [InlineData("prefix=a,url=https://a.example,user=me,password-file={secret},token-url=http://b.example/token",
        "a: password-file: a password is sent over https only")]
    public void Upstream_ThatIsWrong_IsNamedWithItsPrefix(string text, string expected)
    {
        var values = new SettingValues();
        values.Set(HubSettings.Upstreams, [text.Replace("{secret}", Write("secret", "s3cret"), StringComparison.Ordinal)]);
        Assert.Null(HubConfiguration.Build(values, _errors));
        Assert.StartsWith($"upstreams: {expected}", Assert.Single(_errors), StringComparison.Ordinal);
    }

    [Fact]
    public void Upstreams_OfOnePrefix_AreAMistake()
    {
        var values = new SettingValues();
        values.Set(HubSettings.Upstreams, ["prefix=a,url=https://a.example", "prefix=a,url=https://b.example,members-only"]);
        Assert.Null(HubConfiguration.Build(values, _errors));
        Assert.Equal("upstreams: a: the prefix is that of 2 upstreams", Assert.Single(_errors));
    }

    [Theory]
    [InlineData("\"prefix=a,url=https://a.example\"")]
    [InlineData("[\"prefix=a,url=https://a.example\"]")]
    [InlineData("[{\"prefix\": 1}]")]
    [InlineData("[{\"prefix\": \"a,url=https://a.example\"}]")]
    public void Upstreams_ThatAreNoTables_AreAMistake(string text)
    {
        ConfigurationFile.Read(Write("hub.json", $"{{\"upstreams\":{text}}}"), _errors);
        Assert.Contains("upstreams: a list of objects", Assert.Single(_errors), StringComparison.Ordinal);
    }

    [Fact]
    public void Mistakes_AreToldAllAtOnce()
    {
        SettingValues values = ConfigurationFile.Read(Write("hub.json", """
            {
              "listen": "127.0.0.1:5000", "colour": "red", "anonymous-push": "yes", "public-url": "hub.example", "sign-up": "everybody",
              "tls-key": "/k.pem", "trusted-proxies": ["10.0.0.0/99"], "webhook-hosts": ["https://x"], "limit-anonymous-pulls": "many",
              "admin-listen": "9000", "oidc-client-id": "hub", "log-level": "loud", "service": "a\"b",
              "new-repositories": "hidden", "upload-time": "soon", "collection-interval": "50d", "s3-bucket": "hub", "s3-prefix": "a",
              "htpasswd": "/nonexistent/htpasswd"
            }
            """), _errors);
        Assert.Null(HubConfiguration.Build(values, _errors));
        foreach (string key in new[]
        {
            "listen", "colour", "anonymous-push", "public-url", "sign-up", "htpasswd", "tls-certificate", "trusted-proxies", "webhook-hosts",
            "limit-anonymous-pulls", "admin-listen", "oidc-client-id", "log-level", "service", "new-repositories", "upload-time",
            "collection-interval", "s3-endpoint", "s3-access-key", "s3-secret-key-file", "s3-prefix",
        })
            Assert.Contains(_errors, error => error.Contains($"{key}: ", StringComparison.Ordinal) || error.Contains($"{key} ", StringComparison.Ordinal));
        Assert.Equal(21, _errors.Count);
    }

    [Theory]
    [InlineData("debug", LogLevel.Debug), InlineData("information", LogLevel.Information), InlineData("info", LogLevel.Information)]
    [InlineData("warning", LogLevel.Warning), InlineData("error", LogLevel.Error)]
    public void LogLevel_HasTheseWords(string word, LogLevel level)
    {
        var values = new SettingValues();
        values.Set(HubSettings.LogLevel, [word]);
        Assert.Equal(level, HubConfiguration.Build(values, _errors)?.LogLevel);
    }

    [Theory]
    [InlineData("https://hub.example/registry"), InlineData("https://hub.example/registry/"), InlineData("https://hub.example//")]
    public void PublicUrl_WithAPath_IsAMistake(string text)
    {
        var values = new SettingValues();
        values.Set(HubSettings.PublicUrl, [text]);
        Assert.Null(HubConfiguration.Build(values, _errors));
        Assert.StartsWith($"public-url: {text}: it has a path", Assert.Single(_errors), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://hub.example"), InlineData("https://hub.example:8443/")]
    public void PublicUrl_OfAHost_IsTaken(string text)
    {
        var values = new SettingValues();
        values.Set(HubSettings.PublicUrl, [text]);
        Assert.Equal(new Uri(text), HubConfiguration.Build(values, _errors)!.Options.Accounts.PublicUrl);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("{\"data\":\"/a\",\"data\":\"/b\"}")]
    public void File_ThatIsNoObject_IsOneMistake(string text)
    {
        string path = Write("hub.json", text);
        ConfigurationFile.Read(path, _errors);
        Assert.StartsWith(path, Assert.Single(_errors));
    }

    [Fact]
    public void File_ThatIsMissing_IsAMistake()
    {
        ConfigurationFile.Read(Path.Join(_directory.FullName, "none.json"), _errors);
        Assert.Single(_errors);
    }

    [Fact]
    public void Flags_StandAboveTheFile()
    {
        var file = new SettingValues();
        file.Set(HubSettings.Data, ["/file"]);
        file.Set(HubSettings.SignUp, ["open"]);
        var flags = new SettingValues();
        flags.Set(HubSettings.Data, ["/flag"]);
        HubConfiguration configuration = HubConfiguration.Build(flags.Over(file), _errors)!;
        Assert.Equal(("/flag", SignUpMode.Open), (configuration.Options.DataDirectory, configuration.Options.Accounts.SignUp));
    }

    private string Write(string name, string text)
    {
        string path = Path.Join(_directory.FullName, name);
        File.WriteAllText(path, text);
        return path;
    }
}
