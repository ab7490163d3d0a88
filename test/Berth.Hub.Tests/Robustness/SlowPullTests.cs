using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Berth.Hub.Tests.Robustness;

/// <summary>Clients on slow lines, or that are busy with something else for a while, get all of a blob.</summary>
public sealed class SlowPullTests
{
    private const int BlobBytes = 12_000_000;
    private const int ReceiveBufferBytes = 8192;

    // Longer than the grace that Kestrel gives by itself, 5 seconds, and than the second in which it looks.
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(8);

    [Theory]
    [InlineData(false), InlineData(true)]
    public async Task Blob_OfAClientThatPauses_ComesWhole(bool isEncrypted)
    {
        DirectoryInfo directory = Directory.CreateTempSubdirectory("berth-hub-");
        try
        {
            string certificate = Path.Join(directory.FullName, "tls.crt");
            string key = Path.Join(directory.FullName, "tls.key");
            TestCertificate.Write("hub", certificate, key);
            string[] tls = isEncrypted ? ["--tls-certificate", certificate, "--tls-key", key] : [];
            await using HubProgram hub = await HubProgram.StartInAsync(directory, ["--anonymous-push", .. tls]);
            byte[] content = RandomNumberGenerator.GetBytes(BlobBytes);
            string digest = $"sha256:{Convert.ToHexStringLower(SHA256.HashData(content))}";
            using HttpClient client = new(new SocketsHttpHandler
            {
                SslOptions = new() { RemoteCertificateValidationCallback = (_, one, _, _) => one?.Subject == "CN=hub" },
            });
            using HttpResponseMessage pushed = await client.PostAsync(
                new Uri(hub.Address, $"/v2/test/slow/blobs/uploads/?digest={digest}"), new ByteArrayContent(content));
            Assert.Equal(HttpStatusCode.Created, pushed.StatusCode);

            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = ReceiveBufferBytes };
            await socket.ConnectAsync(hub.Address.Host, hub.Address.Port);
            await using Stream stream = await OpenAsync(socket, isEncrypted);
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET /v2/test/slow/blobs/{digest} HTTP/1.1\r\nHost: {hub.Host}\r\nConnection: close\r\n\r\n"));
            await Task.Delay(s_pause);
            using var answer = new MemoryStream();
            await stream.CopyToAsync(answer);
            Assert.True(answer.ToArray().AsSpan().EndsWith(content), $"{answer.Length} bytes came, with headers");
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static async Task<Stream> OpenAsync(Socket socket, bool isEncrypted)
    {
        var plain = new NetworkStream(socket);
        if (!isEncrypted)
            return plain;
        var encrypted = new SslStream(plain);
        await encrypted.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "hub", RemoteCertificateValidationCallback = (_, one, _, _) => one?.Subject == "CN=hub",
        });
        return encrypted;
    }
}
