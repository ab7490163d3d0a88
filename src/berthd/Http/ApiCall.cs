using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Http;

/// <summary>One request on its way through an endpoint: what was asked, in the domain's terms, and how to answer.</summary>
internal sealed class ApiCall(
    HttpContext http, DaemonServices services, Wire.ApiVersion version, IReadOnlyList<string> values)
{
    /// <summary>Bytes of a request body that is JSON. The largest real ones are container creations with some hundred labels.</summary>
    public const int JsonBodyBytesMax = 8 * 1024 * 1024;

    // A client that needs longer for a JSON body is holding the connection, not sending.
    private static readonly TimeSpan s_jsonBodyTime = TimeSpan.FromSeconds(30);

    /// <summary>The request and response themselves.</summary>
    public HttpContext Http => http;

    /// <summary>What the daemon is made of.</summary>
    public DaemonServices Services => services;

    /// <summary>The domain.</summary>
    public EngineServices Engine => services.Engine;

    /// <summary>The API version asked for.</summary>
    public Wire.ApiVersion Version => version;

    /// <summary>The query.</summary>
    public QueryValues Query { get; } = new(http.Request.Query);

    /// <summary>Cancelled when the client goes away.</summary>
    public CancellationToken Cancelled => http.RequestAborted;

    /// <summary>What stands in the path's only or first placeholder.</summary>
    public string Id => values[0];

    /// <summary>Reads the body as JSON; null when there is none.</summary>
    /// <exception cref="FaultException">InvalidArgument: another content type, not JSON, more than one value, too long or too slow.
    /// </exception>
    public async Task<T?> ReadJsonAsync<T>(JsonTypeInfo<T> type) where T : class
    {
        if (http.Request.ContentLength is 0 || !HasBody())
            return null;
        RequireJsonType();
        byte[] body = await ReadBodyAsync();
        if (body.Length == 0)
            throw FaultException.Invalid("invalid JSON: got EOF while reading request body");
        return Parse(body, type);
    }

    /// <summary>Reads the body as JSON.</summary>
    /// <exception cref="FaultException">InvalidArgument: as <see cref="ReadJsonAsync"/>, or there is none.</exception>
    public async Task<T> RequireJsonAsync<T>(JsonTypeInfo<T> type) where T : class =>
        await ReadJsonAsync(type) ?? throw FaultException.Invalid("invalid JSON: got EOF while reading request body");

    /// <summary>Answers with a JSON value and a line break, as Go's encoder does.</summary>
    public async Task WriteJsonAsync<T>(T value, JsonTypeInfo<T> type, int status = StatusCodes.Status200OK)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        await using (var writer = new Utf8JsonWriter(buffer, WriterOptions))
            JsonSerializer.Serialize(writer, value, type);
        buffer.Write("\n"u8);
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = buffer.WrittenCount;
        if (http.Request.Method != HttpMethods.Head)
            await http.Response.Body.WriteAsync(buffer.WrittenMemory, Cancelled);
    }

    /// <summary>Answers with bytes that are JSON already.</summary>
    public async Task WriteRawJsonAsync(byte[] json)
    {
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = json.Length;
        await http.Response.Body.WriteAsync(json, Cancelled);
    }

    /// <summary>Answers without a body.</summary>
    public Task WriteStatusAsync(int status)
    {
        http.Response.StatusCode = status;
        return Task.CompletedTask;
    }

    /// <summary>Sends the headers now, though the first byte of the body may be long in coming.</summary>
    public async Task StartAsync(string contentType)
    {
        http.Response.ContentType = contentType;
        await http.Response.StartAsync(Cancelled);
        // Starting only makes the headers final; clients that wait for them, wait until they are flushed.
        await http.Response.Body.FlushAsync(Cancelled);
    }

    /// <summary>As JSON is written here: only what JSON itself demands is escaped.</summary>
    internal static JsonWriterOptions WriterOptions { get; } =
        new() { Encoder = Wire.ApiJson.Wire.Options.Encoder, SkipValidation = true };

    private bool HasBody() =>
        http.Request.ContentLength > 0 || http.Request.Headers.TransferEncoding.Count > 0;

    private void RequireJsonType()
    {
        string given = http.Request.ContentType ?? "";
        if (given.Length == 0 && http.Request.ContentLength is null or 0)
            return;
        if (!System.Net.Http.Headers.MediaTypeHeaderValue.TryParse(given, out var parsed))
            throw FaultException.Invalid($"malformed Content-Type header ({given}): mime: no media type");
        if (!string.Equals(parsed.MediaType, "application/json", StringComparison.OrdinalIgnoreCase))
            throw FaultException.Invalid($"unsupported Content-Type header ({given}): must be 'application/json'");
    }

    private async Task<byte[]> ReadBodyAsync()
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        limit.CancelAfter(s_jsonBodyTime);
        using var body = new MemoryStream();
        byte[] piece = ArrayPool<byte>.Shared.Rent(16 * 1024);
        try
        {
            int count;
            while ((count = await http.Request.Body.ReadAsync(piece, limit.Token)) > 0)
            {
                if (body.Length + count > JsonBodyBytesMax)
                    throw new BadHttpRequestException(
                        $"request body is larger than {JsonBodyBytesMax} bytes", StatusCodes.Status413PayloadTooLarge);
                body.Write(piece, 0, count);
            }
        }
        catch (OperationCanceledException) when (!Cancelled.IsCancellationRequested)
        {
            throw new BadHttpRequestException(
                "request body did not arrive in time", StatusCodes.Status408RequestTimeout);
        }
        catch (IOException malformed) when (malformed is not (BadHttpRequestException
            or Microsoft.AspNetCore.Connections.ConnectionResetException))
        {
            // Kestrel's word for chunks whose sizes no number holds.
            throw new BadHttpRequestException(malformed.Message, StatusCodes.Status400BadRequest, malformed);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
        return body.ToArray();
    }

    private static T? Parse<T>(ReadOnlySpan<byte> body, JsonTypeInfo<T> type) where T : class
    {
        var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = type.Options.MaxDepth });
        try
        {
            T? value = JsonSerializer.Deserialize(ref reader, type);
            if (!body[(int)reader.BytesConsumed..].Trim(" \t\r\n"u8).IsEmpty)
                throw FaultException.Invalid("unexpected content after JSON");
            return value;
        }
        catch (JsonException failure)
        {
            throw FaultException.Invalid($"invalid JSON: {JsonFault.Text(failure)}", failure);
        }
    }
}
