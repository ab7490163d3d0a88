using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Berth.Registry.Accounts;
using Berth.Registry.Audit;
using Berth.Registry.Hosting;
using Berth.Registry.Model;
using Berth.Registry.Operation.Serving;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Berth.Registry.Tests.Serving;

/// <summary>A whole hub in this process, on a free loopback port, with a clock that tests move.</summary>
internal sealed class RunningHub : IAsyncDisposable
{
    public const string Password = "correct horse";

    private readonly DirectoryInfo _directory;
    private readonly HubProcess _process;

    private RunningHub(DirectoryInfo directory, HubServices services, HubProcess process, FakeTimeProvider time)
    {
        (_directory, Services, _process, Time) = (directory, services, process, time);
        Client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = process.Server.Addresses[0] };
    }

    public static Caller Operator { get; } = new() { Name = AuditLog.CommandLine, IsAdministrator = true };

    public HubServices Services { get; }

    public HubProcess Process => _process;

    public FakeTimeProvider Time { get; }

    public HttpClient Client { get; }

    public string DataDirectory => Path.Join(_directory.FullName, "data");

    public static async Task<RunningHub> StartAsync(Func<HubOptions, HubOptions>? change = null)
    {
        DirectoryInfo directory = Directory.CreateTempSubdirectory("berth-hub-");
        // Today, because certificates and other programs know no other time.
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var options = new HubOptions { Listen = [new IPEndPoint(IPAddress.Loopback, 0)], DataDirectory = Path.Join(directory.FullName, "data") };
        try
        {
            HubServices services = await HubServices.OpenAsync(change?.Invoke(options) ?? options, NullLoggerFactory.Instance, time, default);
            return new RunningHub(directory, services, await HubProcess.StartAsync(services, default), time);
        }
        catch
        {
            // Some tests start what must not start.
            directory.Delete(recursive: true);
            throw;
        }
    }

    public Task<UserAccount> UserAsync(string name, bool isAdministrator = false) => Services.Accounts.Users.CreateAsync(
        Operator, new NewUser(name, Password) { IsAdministrator = isAdministrator }, default);

    public Task<int> RepositoryAsync(string name, string visibility) => Services.Database.WriteAsync(
        (transaction, token) => transaction.ExecuteAsync(
            $"insert into repositories(name, namespace, visibility, created_at) values ({name}, {RepositoryName.Parse(name).Namespace}, {visibility}, 0)",
            token), default);

    public static AuthenticationHeaderValue Basic(string name, string password = Password) =>
        new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{name}:{password}")));

    public async Task<(HttpStatusCode Status, JsonElement Body, HttpResponseHeaders Headers)> GetAsync(
        string path, AuthenticationHeaderValue? authorization = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Authorization = authorization;
        foreach ((string name, string value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return await SendAsync(request);
    }

    public async Task<(HttpStatusCode Status, JsonElement Body, HttpResponseHeaders Headers)> PostAsync(
        string path, params (string Name, string Value)[] form)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new FormUrlEncodedContent(form.Select(field => KeyValuePair.Create(field.Name, field.Value))),
        };
        return await SendAsync(request);
    }

    /// <summary>Sends a request of the protocol as somebody.</summary>
    public async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, AuthenticationHeaderValue? who = null, byte[]? body = null, string? type = null)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Authorization = who;
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue(type ?? "application/octet-stream");
        }
        return await Client.SendAsync(request);
    }

    /// <summary>Pushes an image of one layer; the manifest's digest and the layer's.</summary>
    public async Task<(string Manifest, string Layer)> PushAsync(string repository, string tag, string content, AuthenticationHeaderValue who)
    {
        byte[] layer = Encoding.UTF8.GetBytes(content);
        byte[] config = Encoding.UTF8.GetBytes($$"""{"architecture":"amd64","os":"linux","comment":"{{content}}","rootfs":{"type":"layers","diff_ids":[] } }""");
        foreach (byte[] blob in new[] { layer, config })
        {
            using HttpResponseMessage uploaded = await SendAsync(
                HttpMethod.Post, $"/v2/{repository}/blobs/uploads/?digest={DigestOf(blob)}", who, blob);
            Assert.Equal(HttpStatusCode.Created, uploaded.StatusCode);
        }
        byte[] manifest = ManifestOf(config, layer);
        using HttpResponseMessage put = await SendAsync(
            HttpMethod.Put, $"/v2/{repository}/manifests/{tag}", who, manifest, "application/vnd.oci.image.manifest.v1+json");
        Assert.Equal(HttpStatusCode.Created, put.StatusCode);
        return (DigestOf(manifest), DigestOf(layer));
    }

    public static byte[] ManifestOf(byte[] config, byte[] layer) => Encoding.UTF8.GetBytes($$"""
        {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
        "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{{DigestOf(config)}}","size":{{config.Length}} },
        "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{{DigestOf(layer)}}","size":{{layer.Length}} }] }
        """);

    public static string DigestOf(byte[] bytes) =>
        "sha256:" + Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes));

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _process.DisposeAsync();
        await Services.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    private async Task<(HttpStatusCode Status, JsonElement Body, HttpResponseHeaders Headers)> SendAsync(HttpRequestMessage request)
    {
        using HttpResponseMessage response = await Client.SendAsync(request);
        byte[] body = await response.Content.ReadAsByteArrayAsync();
        bool isJson = response.Content.Headers.ContentType?.MediaType == "application/json";
        return (response.StatusCode, isJson ? JsonElement.Parse(body) : default, response.Headers);
    }
}
