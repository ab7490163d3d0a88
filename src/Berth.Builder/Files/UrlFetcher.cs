using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Berth.Builder.Solving;
using Berth.Faults;
using Berth.Linux.Files;
using Berth.Oci;

namespace Berth.Builder.Files;

/// <summary>Downloads for ADD. Link-local addresses, where clouds keep their machines' credentials, are refused.</summary>
internal static class UrlFetcher
{
    // A download is written out from memory.
    public const long BytesMax = 1L << 30;
    private const int RedirectsMax = 10;
    private static readonly TimeSpan s_connectTimeout = TimeSpan.FromSeconds(30);

    public static HttpClient CreateClient() => new(new SocketsHttpHandler
    {
        MaxAutomaticRedirections = RedirectsMax,
        ConnectTimeout = s_connectTimeout,
        ConnectCallback = ConnectAsync,
    })
    { Timeout = Timeout.InfiniteTimeSpan };

    /// <exception cref="FaultException">Unavailable: the server refuses. InvalidArgument: another checksum, or too long.</exception>
    public static async Task<Download> FetchAsync(
        HttpClient http, string url, string? checksum, string directory, CancellationToken cancellationToken)
    {
        string shown = UrlText.Redact(url);
        try
        {
            using HttpResponseMessage answer =
                await http.GetAsync(url, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
            if (!answer.IsSuccessStatusCode)
                throw FaultException.Unavailable(
                    $"ADD failed: failed to GET {shown} with status {(int)answer.StatusCode} {answer.ReasonPhrase}");
            string path = Path.Combine(directory, Guid.NewGuid().ToString("N"));
            Digest hash = await SaveAsync(answer, path, shown, cancellationToken).ConfigureAwait(false);
            if (checksum is not null && Digest.Parse(checksum) != hash)
                throw FaultException.Invalid($"ADD {shown}: digest mismatch: wanted {checksum}, got {hash}");
            FileTime? modified = answer.Content.Headers.LastModified is { } time ? FileTime.From(time) : null;
            return new Download(path, hash, modified);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or UriFormatException)
        {
            throw FaultException.Unavailable($"ADD {shown}: {exception.Message}", exception);
        }
    }

    private static async Task<Digest> SaveAsync(HttpResponseMessage answer, string path, string shown, CancellationToken cancellationToken)
    {
        await using Stream body = await answer.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        await using FileStream file = File.Create(path);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[256 * 1024];
        long total = 0;
        int count;
        while ((count = await body.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
        {
            if ((total += count) > BytesMax)
                throw FaultException.Invalid($"ADD {shown}: longer than {BytesMax} bytes");
            hash.AppendData(buffer, 0, count);
            await file.WriteAsync(buffer.AsMemory(0, count), cancellationToken).ConfigureAwait(false);
        }
        return Digest.FromSha256(hash.GetHashAndReset());
    }

    private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        IPAddress[] addresses = await Dns.GetHostAddressesAsync(context.DnsEndPoint.Host, cancellationToken).ConfigureAwait(false);
        IPAddress[] allowed = [.. addresses.Where(address => !IsLinkLocal(address))];
        if (allowed.Length == 0)
            throw new HttpRequestException($"{context.DnsEndPoint.Host}: link-local addresses are not fetched from");
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(allowed, context.DnsEndPoint.Port, cancellationToken).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static bool IsLinkLocal(IPAddress address)
    {
        IPAddress plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        byte[] bytes = plain.GetAddressBytes();
        return plain.IsIPv6LinkLocal || (bytes.Length == 4 && bytes[0] == 169 && bytes[1] == 254);
    }
}
