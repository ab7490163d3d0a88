using System.Net;
using System.Text.Json;
using Berth.Client.Wire;

namespace Berth.Client;

/// <summary>The answer to one request; its body is read from the connection as it comes.</summary>
public sealed class EngineResponse(HttpStatusCode status, Dictionary<string, string> headers, Stream body) : IDisposable
{
    /// <summary>The status; failures have become exceptions before.</summary>
    public HttpStatusCode Status => status;

    /// <summary>The body. Disposing it early ends the connection.</summary>
    public Stream Body => body;

    // Room is made for this much because the engine announced it; more is made as it comes.
    private const long LengthTrusted = 16 * 1024 * 1024;

    internal Action? ReadingWhole { get; init; }

    /// <summary>A header's value, or null.</summary>
    public string? Header(string name) => headers.GetValueOrDefault(name);

    /// <summary>The whole body as JSON; an empty body is <c>null</c>.</summary>
    public async Task<JsonDocument> ReadJsonAsync(CancellationToken cancellationToken)
    {
        byte[] bytes = await ReadBytesAsync(cancellationToken);
        return bytes.Length == 0 ? JsonDocument.Parse("null") : JsonDocument.Parse(bytes);
    }

    /// <summary>The whole body. Over a unix socket the calling thread waits for it, unless the token can be cancelled or the request
    /// says that it runs beside others.</summary>
    public async Task<byte[]> ReadBytesAsync(CancellationToken cancellationToken)
    {
        ReadingWhole?.Invoke();
        if (body is BodyStream { BytesLeft: > 0 and <= LengthTrusted and var length })
        {
            byte[] exact = GC.AllocateUninitializedArray<byte>((int)length);
            await body.ReadExactlyAsync(exact, cancellationToken);
            return exact;
        }
        using MemoryStream copy = new();
        await body.CopyToAsync(copy, cancellationToken);
        return copy.ToArray();
    }

    /// <summary>The body as a sequence of JSON values, each as it arrives (progress, events, stats).</summary>
    public IAsyncEnumerable<JsonElement> ReadJsonLinesAsync(CancellationToken cancellationToken) =>
        JsonLines.ReadAsync(body, cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => body.Dispose();
}
