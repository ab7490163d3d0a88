using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Berth.Oci;
using Berth.Registry.Accounts;
using Berth.Registry.Browsing;
using Berth.Registry.Hosting;
using Berth.Registry.Model;
using Berth.Registry.Operation.Serving;
using Microsoft.Extensions.Logging.Abstractions;

namespace Berth.Registry.Tests.Pages;

/// <summary>A hub in this process with accounts: <c>alice</c> administers it, <c>bob</c> and <c>carol</c> are users.</summary>
public class PagesHub : IAsyncLifetime
{
    public const string Password = "correct horse battery";

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("berth-hub-");
    private int _names;

    public HubServices Services { get; private set; } = null!;

    public HubServer Server { get; private set; } = null!;

    public Uri Address => Server.Addresses[0];

    public Caller Alice { get; private set; } = null!;

    protected virtual string? NewDatabase() => null;

    protected virtual TimeSpan UnusedBlobTime => TimeSpan.FromHours(6);

    protected virtual string NewRepositories => "public";

    public async ValueTask InitializeAsync()
    {
        HubOptions options = new()
        {
            Listen = [IPEndPoint.Parse("127.0.0.1:0")], DataDirectory = _directory.FullName,
            Database = NewDatabase(), UnusedBlobTime = UnusedBlobTime, Accounts = new AccountSettings { SignUp = SignUpMode.Open },
            NewRepositories = NewRepositories,
            Serving = new ServingSettings { WebhookHosts = ["127.0.0.1"] },
        };
        Services = await HubServices.OpenAsync(options, NullLoggerFactory.Instance, TimeProvider.System, default);
        Server = await HubServer.StartAsync(Services, default);
        Caller setup = new() { IsAdministrator = true };
        UserAccount alice = await Services.Accounts.Users.CreateAsync(setup, new NewUser("alice", Password) { IsAdministrator = true }, default);
        Alice = new Caller { AccountId = alice.Id, Name = "alice", IsAdministrator = true };
        await Services.Accounts.Users.CreateAsync(setup, new NewUser("bob", Password), default);
        await Services.Accounts.Users.CreateAsync(setup, new NewUser("carol", Password), default);
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        await Services.DisposeAsync();
        _directory.Delete(recursive: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>A repository that no other test uses.</summary>
    public async Task<string> NewRepositoryAsync(string owner = "alice", bool isPrivate = false, string readme = "", string description = "")
    {
        string name = $"{owner}/r{Interlocked.Increment(ref _names)}";
        RepositoryChange wanted = new() { IsPrivate = isPrivate, Readme = readme, Description = description };
        await Services.Browsing.Settings.CreateAsync(Alice, RepositoryName.Parse(name), wanted, default);
        return name;
    }

    /// <summary>Calls the JSON API as a user, or as nobody.</summary>
    public async Task<HttpResponseMessage> AskAsync(string? user, HttpMethod method, string path, string? body)
    {
        using HttpClient client = Client(user);
        using HttpRequestMessage request = new(method, new Uri(path, UriKind.Relative));
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        return await client.SendAsync(request);
    }

    /// <summary>A client that signs in with each request; null: anonymous.</summary>
    public HttpClient Client(string? user = null)
    {
        HttpClient client = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = Address };
        if (user is not null)
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue(
                "Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{Password}")));
        return client;
    }

    /// <summary>Pushes an image whose history has the usual steps, through the protocol as a client does; its digest.</summary>
    public async Task<string> PushAsync(string repository, string tag, string content, string user = "alice")
    {
        using HttpClient client = Client(user);
        string config = $$$"""
            {"created":"2026-09-20T10:00:00Z","architecture":"amd64","os":"linux","config":{"User":"app","Cmd":["serve","--port 80"],"Env":["A=<b>"],
            "Labels":{"org.example.title":"<i>{{{content}}}</i>"}},"rootfs":{"type":"layers","diff_ids":[]},
            "history":[{"created_by":"/bin/sh -c #(nop) ADD file:1 in / "},{"created_by":"/bin/sh -c #(nop)  CMD [\"sh\"]","empty_layer":true},
            {"created_by":"RUN /bin/sh -c echo {{{content}}} > /f # buildkit"}]}
            """;
        Digest configDigest = await PushBlobAsync(client, repository, Encoding.UTF8.GetBytes(config));
        byte[] layer = Encoding.UTF8.GetBytes("layer " + content);
        Digest first = await PushBlobAsync(client, repository, "base"u8.ToArray());
        Digest second = await PushBlobAsync(client, repository, layer);
        string manifest = $$"""
            {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
            "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{{configDigest}}","size":{{Encoding.UTF8.GetByteCount(config)}}},
            "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"{{first}}","size":4},
            {"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"{{second}}","size":{{layer.Length}}}]}
            """;
        using HttpResponseMessage response = await PutAsync(client, repository, tag, manifest);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        return Digest.Of(Encoding.UTF8.GetBytes(manifest)).ToString();
    }

    /// <summary>Puts a manifest under a tag.</summary>
    public static async Task<HttpResponseMessage> PutAsync(HttpClient client, string repository, string tag, string manifest)
    {
        using ByteArrayContent content = new(Encoding.UTF8.GetBytes(manifest));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/vnd.oci.image.manifest.v1+json");
        return await client.PutAsync(new Uri($"/v2/{repository}/manifests/{tag}", UriKind.Relative), content);
    }

    /// <summary>Pushes a blob in one request.</summary>
    public static async Task<Digest> PushBlobAsync(HttpClient client, string repository, byte[] bytes)
    {
        Digest digest = Digest.Of(bytes);
        using ByteArrayContent content = new(bytes);
        using HttpResponseMessage response =
            await client.PostAsync(new Uri($"/v2/{repository}/blobs/uploads/?digest={digest}", UriKind.Relative), content);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        return digest;
    }
}
