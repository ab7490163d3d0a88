using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Berth.Oci;
using Berth.Registry.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Berth.Registry.Tests.Hosting;

/// <summary>A hub in this process on a free loopback port, and what tests say to it.</summary>
public abstract class HubRig : IAsyncLifetime
{
    // Of content that a test has named by its digest: descriptors must be true.
    private static readonly ConcurrentDictionary<Digest, long> s_sizes = new();

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("berth-hub-");
    private int _names;

    public HubServices Services { get; private set; } = null!;

    public HubServer Server { get; private set; } = null!;

    public HttpClient Client { get; private set; } = null!;

    /// <summary>The hub's clock, which tests move. It runs by itself from the time at which the test began.</summary>
    public FakeTimeProvider Time { get; } = new(DateTimeOffset.UtcNow);

    public string DataDirectory => _directory.FullName;

    protected virtual string? NewDatabase() => null;

    public virtual HubOptions Options => new()
    {
        Listen = [IPEndPoint.Parse("127.0.0.1:0")], DataDirectory = DataDirectory, AnonymousPush = true,
        UnusedBlobTime = TimeSpan.FromHours(1), UploadTime = TimeSpan.FromHours(2), CollectionInterval = TimeSpan.FromDays(40),
    };

    public async ValueTask InitializeAsync()
    {
        Services = await HubServices.OpenAsync(Options with { Database = NewDatabase() }, NullLoggerFactory.Instance, Time, default);
        Server = await HubServer.StartAsync(Services, default);
        Client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, AutomaticDecompression = DecompressionMethods.None })
        {
            BaseAddress = Server.Addresses[0],
        };
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Server.DisposeAsync();
        await Services.DisposeAsync();
        _directory.Delete(recursive: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>A repository that no other test uses.</summary>
    public string NewRepository() => $"test/r{Interlocked.Increment(ref _names)}";

    public async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, HttpContent? content = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, new Uri(path, UriKind.RelativeOrAbsolute)) { Content = content };
        foreach ((string name, string value) in headers)
        {
            if (!request.Headers.TryAddWithoutValidation(name, value))
                (request.Content ??= new ByteArrayContent([])).Headers.TryAddWithoutValidation(name, value);
        }
        return await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    public Task<HttpResponseMessage> GetAsync(string path, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Get, path, null, headers);

    public async Task<string> BeginUploadAsync(string repository, string query = "")
    {
        using HttpResponseMessage response = await SendAsync(HttpMethod.Post, $"/v2/{repository}/blobs/uploads/{query}");
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        return response.Headers.Location!.ToString();
    }

    public async Task<Digest> PushBlobAsync(string repository, byte[] content)
    {
        Digest digest = Digest.Of(content);
        s_sizes[digest] = content.Length;
        using HttpResponseMessage response = await SendAsync(
            HttpMethod.Post, $"/v2/{repository}/blobs/uploads/?digest={digest}", new ByteArrayContent(content));
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        return digest;
    }

    public Task<Digest> PushBlobAsync(string repository, string content) => PushBlobAsync(repository, Encoding.UTF8.GetBytes(content));

    public async Task<HttpResponseMessage> PutManifestAsync(string repository, string reference, string document, string? type = OciManifest)
    {
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(document));
        if (type is not null)
            content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        return await SendAsync(HttpMethod.Put, $"/v2/{repository}/manifests/{reference}", content);
    }

    /// <summary>Pushes a whole image of one layer; its document.</summary>
    public async Task<string> PushImageAsync(string repository, string tag, string layer = "layer")
    {
        string document = Image(await PushBlobAsync(repository, "{}"), await PushBlobAsync(repository, layer));
        using HttpResponseMessage response = await PutManifestAsync(repository, tag, document);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        return document;
    }

    public const string OciManifest = "application/vnd.oci.image.manifest.v1+json";
    public const string OciIndex = "application/vnd.oci.image.index.v1+json";
    public const string DockerManifest = "application/vnd.docker.distribution.manifest.v2+json";
    public const string DockerList = "application/vnd.docker.distribution.manifest.list.v2+json";

    public static string Image(Digest config, params Digest[] layers) =>
        $$"""
        {"schemaVersion":2,"mediaType":"{{OciManifest}}","config":{{Descriptor("application/vnd.oci.image.config.v1+json", config, 2)}},
        "layers":[{{string.Join(',', layers.Select(layer => Descriptor("application/vnd.oci.image.layer.v1.tar+gzip", layer, 5)))}}]}
        """;

    public static string Artifact(string type, Digest config, Digest subject, string annotations = "{}") =>
        $$"""
        {"schemaVersion":2,"mediaType":"{{OciManifest}}","artifactType":"{{type}}","config":{{Descriptor("application/vnd.oci.empty.v1+json", config, 2)}},
        "layers":[{{Descriptor("application/vnd.oci.empty.v1+json", config, 2)}}],"subject":{{Descriptor(OciManifest, subject, 10)}},
        "annotations":{{annotations}}}
        """;

    public static string Index(params (string Type, Digest Digest)[] manifests) =>
        $$"""
        {"schemaVersion":2,"mediaType":"{{OciIndex}}","manifests":[{{string.Join(',', manifests.Select(m => Descriptor(m.Type, m.Digest, 10)))}}]}
        """;

    /// <summary>A descriptor; the size is that of the content where a test has named it, and otherwise the one given.</summary>
    public static string Descriptor(string type, Digest digest, long size) =>
        $$"""{"mediaType":"{{type}}","digest":"{{digest}}","size":{{s_sizes.GetValueOrDefault(digest, size)}}}""";

    public static Digest DigestOf(string document)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(document);
        Digest digest = Digest.Of(bytes);
        s_sizes[digest] = bytes.Length;
        return digest;
    }

    /// <summary>The code of an answer that is an error as the specification has them.</summary>
    public static async Task<string> CodeAsync(HttpResponseMessage response)
    {
        Assert.Equal("application/json", response.Content.Headers.ContentType!.MediaType);
        using JsonDocument document = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        JsonElement error = Assert.Single(document.RootElement.GetProperty("errors").EnumerateArray());
        Assert.NotEqual("", error.GetProperty("message").GetString());
        return error.GetProperty("code").GetString()!;
    }

    public static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out IEnumerable<string>? values) || response.Content.Headers.TryGetValues(name, out values)
            ? string.Join(", ", values)
            : null;
}
