using System.Net;
using System.Net.Sockets;
using System.Text;
using Berth.Registry.Tests.Hosting;

namespace Berth.Registry.Tests.Attacks;

/// <summary>Names that leave where they belong (attack F8). Sent as they are: client libraries would tidy them up.</summary>
public sealed class HostilePathTests(EmbeddedHub hub) : IClassFixture<EmbeddedHub>
{
    public static TheoryData<string> Names => new()
    {
        "/v2/../etc/manifests/latest", "/v2/a/../b/manifests/latest", "/v2/a%2fb/manifests/latest", "/v2/a%2F..%2Fb/tags/list", "/v2/A/tags/list",
        "/v2/a//b/tags/list", "/v2/./a/tags/list", "/v2/%00/tags/list", "/v2/a%0ab/tags/list", "/v2/a%20b/tags/list",
        "/v2/-a/tags/list", "/v2/a_/tags/list", "/v2/" + new string('a', 300) + "/tags/list", "/v2/%c3%a4/tags/list", "/v2/%ff/tags/list",
        "/v2//tags/list", "/v2/a/manifests/", "/v2/a/blobs/", "/v2/a/blobs/uploads/../../../x", "/v2/a/blobs/uploads/%2e%2e%2fhub.db",
        "/v2/a/manifests/..%2f..%2fhub.db", "/v2/a/blobs/sha256:" + new string('.', 64), "/v2/a/referrers/../../x", "/v2/x", "/v2/x/y/z",
    };

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Path_ThatIsNone_IsRefusedByEveryMethod(string path)
    {
        foreach (string method in new[] { "GET", "HEAD", "PUT", "POST", "PATCH", "DELETE" })
            Assert.InRange(await AskAsync(method, path), 400, 405);
        Assert.False(File.Exists(Path.Join(hub.DataDirectory, "x")));
        Assert.Equal(0, await hub.Services.Database.ReadAsync(
            (transaction, token) => transaction.NumberAsync($"select count(*) from repositories", token), default));
    }

    [Fact]
    public async Task Path_OfTenThousandBytes_IsRefused() =>
        Assert.InRange(await AskAsync("GET", "/v2/" + string.Join('/', Enumerable.Repeat("a", 5000)) + "/tags/list"), 400, 414);

    [Fact]
    public async Task UnknownUpload_IsNotFound_WhateverItIsCalled()
    {
        foreach (string id in new[] { "x", "..", new string('f', 32), "hub.db", "%2e%2e", new string('a', 5000) })
        {
            using HttpResponseMessage response = await hub.GetAsync($"/v2/{"some/name"}/blobs/uploads/{id}");
            Assert.True(response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.BadRequest, $"{id}: {response.StatusCode}");
        }
    }

    private async Task<int> AskAsync(string method, string path)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, hub.Server.Addresses[0].Port);
        NetworkStream stream = client.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes($"{method} {path} HTTP/1.1\r\nHost: hub\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
        using var reader = new StreamReader(stream, Encoding.Latin1);
        string? line = await reader.ReadLineAsync();
        Assert.NotNull(line);
        return int.Parse(line.Split(' ')[1]);
    }
}
