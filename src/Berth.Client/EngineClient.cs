using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Berth.Client.Wire;

namespace Berth.Client;

/// <summary>Speaks the Engine API (HTTP/1.1 with Docker's upgrades) to one engine.</summary>
/// <remarks>
/// Written over the bare connection instead of <c>HttpClient</c>: an attached container needs its standard input closed
/// while its output still comes, which no HTTP library offers, and a command line has milliseconds to start. A connection
/// whose answer was read to its end is kept for the next request.
/// Made for one user at a time per request; several requests may run side by side.
/// </remarks>
public sealed class EngineClient(EngineOptions options) : IDisposable
{
    /// <summary>The newest API version this client speaks.</summary>
    public const string ApiVersionMax = "1.50";

    /// <summary>What is assumed of an engine that does not say its version.</summary>
    public const string ApiVersionFallback = "1.24";

    private readonly Lock _gate = new();
    private (Connection Connection, WireReader Reader)? _idle;   // Guarded by _gate.
    private string? _version = options.ApiVersion;
    private EnginePing? _ping;

    /// <summary>Where the engine listens.</summary>
    public EngineAddress Address => options.Address;

    /// <summary>Called when nothing listens at the address, to start an engine there; true tries once more.</summary>
    public Func<CancellationToken, Task<bool>>? StartEngine { get; set; }

    /// <summary>The version that requests are made in; negotiated by the first one.</summary>
    public async ValueTask<string> GetApiVersionAsync(CancellationToken cancellationToken)
    {
        if (_version is null)
            await PingAsync(cancellationToken);
        return _version!;
    }

    /// <summary>Asks the engine who it is, and settles the version to speak.</summary>
    /// <exception cref="EngineException">The engine cannot be reached.</exception>
    public async Task<EnginePing> PingAsync(CancellationToken cancellationToken)
    {
        if (_ping is not null)
            return _ping;
        using EngineResponse head = await ExchangeAsync(
            new EngineRequest("HEAD", "/_ping") { IsUnversioned = true }, upgrade: false, cancellationToken);
        EngineResponse response = head;
        if (head.Status != HttpStatusCode.OK)
        {
            response = await ExchangeAsync(
                EngineRequest.Get("/_ping") with { IsUnversioned = true }, upgrade: false, cancellationToken);
            await response.ReadBytesAsync(cancellationToken);
        }
        _ping = new EnginePing(
            response.Header("Api-Version") ?? "", response.Header("Ostype") ?? "linux",
            response.Header("Builder-Version") ?? "", response.Header("Docker-Experimental") == "true");
        _version ??= Lower(_ping.ApiVersion.Length == 0 ? ApiVersionFallback : _ping.ApiVersion, ApiVersionMax);
        return _ping;
    }

    /// <summary>Sends a request and returns its answer as soon as the head is there.</summary>
    /// <exception cref="EngineException">The engine cannot be reached or answers with a failure.</exception>
    public async Task<EngineResponse> SendAsync(EngineRequest request, CancellationToken cancellationToken)
    {
        await PrepareAsync(request, cancellationToken);
        EngineResponse response = await ExchangeAsync(request, upgrade: false, cancellationToken);
        if ((int)response.Status < 400)
            return response;
        using (response)
            throw await FailureAsync(request, response, cancellationToken);
    }

    /// <summary>Sends a request and reads its whole JSON answer.</summary>
    /// <exception cref="EngineException">The engine cannot be reached or answers with a failure.</exception>
    public async Task<JsonElement> SendForJsonAsync(EngineRequest request, CancellationToken cancellationToken)
    {
        using EngineResponse response = await SendAsync(request, cancellationToken);
        // Not disposed: what it rented is garbage with the element, which is cheaper than a copy of everything.
        JsonDocument document = await response.ReadJsonAsync(cancellationToken);
        return document.RootElement;
    }

    /// <summary>Sends a request whose answer says nothing beyond its status.</summary>
    /// <exception cref="EngineException">The engine cannot be reached or answers with a failure.</exception>
    public async Task<HttpStatusCode> SendForStatusAsync(EngineRequest request, CancellationToken cancellationToken)
    {
        using EngineResponse response = await SendAsync(request, cancellationToken);
        await response.ReadBytesAsync(cancellationToken);
        return response.Status;
    }

    /// <summary>Turns the connection of a request into a stream both ways (attach, exec, session).</summary>
    /// <exception cref="EngineException">The engine cannot be reached or answers with a failure.</exception>
    public async Task<HijackedStream> UpgradeAsync(EngineRequest request, CancellationToken cancellationToken)
    {
        await PrepareAsync(request, cancellationToken);
        EngineResponse response = await ExchangeAsync(request, upgrade: true, cancellationToken);
        if (response.Body is HijackBody hijacked)
            return new HijackedStream(hijacked.Connection, hijacked.Reader, response.Header("Content-Type") ?? "");
        using (response)
            throw await FailureAsync(request, response, cancellationToken);
    }

    /// <summary>The bare connection, for <c>system dial-stdio</c>.</summary>
    /// <exception cref="EngineException">The engine cannot be reached.</exception>
    public async Task<HijackedStream> DialAsync(CancellationToken cancellationToken)
    {
        (Connection connection, WireReader reader) = await OpenAsync(cancellationToken);
        return new HijackedStream(connection, reader, "");
    }

    /// <inheritdoc/>
    public void Dispose() => TakeIdle()?.Connection.Dispose();

    private async ValueTask PrepareAsync(EngineRequest request, CancellationToken cancellationToken)
    {
        if (!request.IsUnversioned)
            await GetApiVersionAsync(cancellationToken);
    }

    private async Task<EngineResponse> ExchangeAsync(
        EngineRequest request, bool upgrade, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        EngineResponse response = await ExchangeOnceOrTwiceAsync(request, upgrade, cancellationToken);
        options.Trace?.Invoke(string.Create(
            CultureInfo.InvariantCulture,
            $"{request.Method} {(request.IsUnversioned ? "" : "/v" + _version)}{request.Target}: {(int)response.Status}, "
            + $"{Stopwatch.GetElapsedTime(start).TotalMilliseconds:0.0} ms"));
        return response;
    }

    private async Task<EngineResponse> ExchangeOnceOrTwiceAsync(
        EngineRequest request, bool upgrade, CancellationToken cancellationToken)
    {
        (Connection Connection, WireReader Reader)? idle = TakeIdle();
        (Connection connection, WireReader reader) = idle ?? await OpenAsync(cancellationToken);
        connection.Blocks = request.Body is null && !request.RunsBesideOthers;
        try
        {
            return await TalkAsync(request, upgrade, connection, reader, cancellationToken);
        }
        catch (IOException) when (idle is not null && request.Body is null)
        {
            // A kept connection may have been closed from the other side in the meantime; a fresh one decides.
            connection.Dispose();
            (connection, reader) = await OpenAsync(cancellationToken);
            connection.Blocks = !request.RunsBesideOthers;
            return await TalkAsync(request, upgrade, connection, reader, cancellationToken);
        }
        catch (IOException e)
        {
            connection.Dispose();
            throw new EngineException($"error during connect: {options.Address}: {e.Message}{Advice()}", e);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    // An engine that wants to know its clients says nothing to others: TLS 1.3 tells of it by a closed connection alone.
    private string Advice() => options.Address.Transport != EngineTransport.Tcp ? ""
        : options.Tls is null ? ": the engine closed the connection: if it speaks TLS, give --tlsverify, or a context with ca, cert and key"
        : options.Tls.CertificatePath is { } file && File.Exists(file)
            ? ": the engine closed the connection: it may not accept the client certificate"
            : ": the engine closed the connection: it may ask for a client certificate: give --tlscert and --tlskey, or cert and key of "
                + "the context";

    private async Task<EngineResponse> TalkAsync(
        EngineRequest request, bool upgrade, Connection connection, WireReader reader, CancellationToken cancellationToken)
    {
        await connection.Stream.WriteAsync(Head(request, upgrade), cancellationToken);
        if (request.Body is not { } write)
            return await ReceiveAsync(request, upgrade, connection, reader, cancellationToken);

        // The engine may answer (and refuse) before the body is through: both run side by side, and the answer wins.
        using CancellationTokenSource sending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task body = SendBodyAsync(connection.Stream, write, sending.Token);
        Task<EngineResponse> answer = ReceiveAsync(request, upgrade, connection, reader, cancellationToken);
        if (await Task.WhenAny(body, answer) == body && body.IsFaulted && body.Exception!.InnerException is not IOException)
        {
            connection.Dispose();
            _ = answer.ContinueWith(static t => t.Exception, TaskScheduler.Default);
            await body;
        }
        EngineResponse response = await answer;
        if (!body.IsCompleted && (int)response.Status >= 400)
        {
            await sending.CancelAsync();
            await Task.WhenAny(body);
        }
        _ = body.ContinueWith(static t => t.Exception, TaskScheduler.Default);
        return response;
    }

    private static async Task SendBodyAsync(
        Stream stream, Func<Stream, CancellationToken, Task> write, CancellationToken cancellationToken)
    {
        await using ChunkedStream chunks = new(stream);
        await write(chunks, cancellationToken);
        await chunks.FinishAsync(cancellationToken);
    }

    private byte[] Head(EngineRequest request, bool upgrade)
    {
        StringBuilder head = new(512);
        head.Append(request.Method).Append(' ');
        if (!request.IsUnversioned)
            head.Append("/v").Append(_version);
        head.Append(request.Target).Append(" HTTP/1.1\r\nHost: ").Append(HostHeader()).Append("\r\nUser-Agent: ")
            .Append(options.UserAgent).Append("\r\n");
        foreach ((string name, string value) in options.Headers)
            head.Append(name).Append(": ").Append(value.ReplaceLineEndings(" ")).Append("\r\n");
        foreach ((string name, string value) in request.Headers)
            head.Append(name).Append(": ").Append(value).Append("\r\n");
        if (upgrade)
            head.Append("Connection: Upgrade\r\nUpgrade: tcp\r\n");
        if (request.Body is not null)
            head.Append("Transfer-Encoding: chunked\r\nContent-Type: ").Append(request.BodyType).Append("\r\n");
        else if (request.Json is { } json)
            head.Append(CultureInfo.InvariantCulture, $"Content-Type: application/json\r\nContent-Length: {json.Length}\r\n");
        else if (request.Method is "POST" or "PUT")
            head.Append("Content-Length: 0\r\n");
        head.Append("\r\n");
        byte[] bytes = Encoding.UTF8.GetBytes(head.ToString());
        return request is { Json: { } body, Body: null } ? [.. bytes, .. body.Span] : bytes;
    }

    private string HostHeader() => options.Address.Transport != EngineTransport.Tcp ? "api.moby.localhost"
        : options.Address.Host.Contains(':') ? $"[{options.Address.Host}]:{options.Address.Port}"
        : $"{options.Address.Host}:{options.Address.Port}";

    private async Task<EngineResponse> ReceiveAsync(
        EngineRequest request, bool upgrade, Connection connection, WireReader reader, CancellationToken cancellationToken)
    {
        HttpStatusCode status;
        Dictionary<string, string> headers;
        do
        {
            (status, headers) = await ReadHeadAsync(reader, cancellationToken);
        }
        while ((int)status is >= 100 and < 200 && status != HttpStatusCode.SwitchingProtocols);

        // Who reads a body as it comes may have something else to do; reading it whole switches back.
        bool blocks = request.Body is null && !request.RunsBesideOthers;
        connection.Blocks = false;
        if (upgrade && (status is HttpStatusCode.SwitchingProtocols or HttpStatusCode.OK))
            return new EngineResponse(status, headers, new HijackBody(connection, reader));

        bool chunked = headers.GetValueOrDefault("Transfer-Encoding") is { } coding
            && coding.Contains("chunked", StringComparison.OrdinalIgnoreCase);
        bool keep = !string.Equals(headers.GetValueOrDefault("Connection"), "close", StringComparison.OrdinalIgnoreCase)
            && request.Body is null;
        bool empty = request.Method == "HEAD" || status is HttpStatusCode.NoContent or HttpStatusCode.NotModified;
        long length = empty ? 0 : long.TryParse(headers.GetValueOrDefault("Content-Length"), out long given) ? given : -1;
        BodyStream body = new(
            reader, length, chunked && !empty, reusable => Release(connection, reader, reusable && keep));
        return new EngineResponse(status, headers, body) { ReadingWhole = () => connection.Blocks = blocks };
    }

    private static async Task<(HttpStatusCode Status, Dictionary<string, string> Headers)> ReadHeadAsync(
        WireReader reader, CancellationToken cancellationToken)
    {
        string line = await reader.ReadLineAsync(cancellationToken) ?? throw new EndOfStreamException("EOF");
        if (line.Length < 12 || !line.StartsWith("HTTP/1.", StringComparison.Ordinal)
            || !int.TryParse(line.AsSpan(9, 3), NumberStyles.None, CultureInfo.InvariantCulture, out int status))
        {
            throw new IOException($"malformed HTTP response {line.ReplaceLineEndings(" ")}");
        }
        Dictionary<string, string> headers = new(StringComparer.OrdinalIgnoreCase);
        int size = 0;
        while (await reader.ReadLineAsync(cancellationToken) is { Length: > 0 } header)
        {
            if ((size += header.Length) > WireReader.HeadLengthMax)
                throw new IOException("headers are too long");
            int colon = header.IndexOf(':');
            if (colon > 0)
                headers[header[..colon]] = header[(colon + 1)..].Trim();
        }
        return ((HttpStatusCode)status, headers);
    }

    private static async Task<EngineException> FailureAsync(
        EngineRequest request, EngineResponse response, CancellationToken cancellationToken)
    {
        byte[] body = await response.ReadBytesAsync(cancellationToken);
        string message = Encoding.UTF8.GetString(body).Trim();
        if (response.Header("Content-Type")?.StartsWith("application/json", StringComparison.Ordinal) == true)
        {
            try
            {
                using JsonDocument json = JsonDocument.Parse(body);
                if (json.RootElement.ValueKind == JsonValueKind.Object
                    && json.RootElement.TryGetProperty("message", out JsonElement text))
                {
                    message = text.GetString()?.Trim() ?? "";
                }
            }
            catch (JsonException)
            {
                // The text itself is all there is to say.
            }
        }
        if (message.Length == 0)
        {
            message = $"request returned {(int)response.Status} for API route and version {request.Path}, "
                + "check if the server supports the requested API version";
        }
        return new EngineException(response.Status, message);
    }

    private async Task<(Connection Connection, WireReader Reader)> OpenAsync(CancellationToken cancellationToken)
    {
        Connection connection;
        try
        {
            connection = await Connection.OpenAsync(options, cancellationToken);
        }
        catch (EngineException) when (StartEngine is not null)
        {
            Func<CancellationToken, Task<bool>> start = StartEngine;
            StartEngine = null;
            if (!await start(cancellationToken))
                throw;
            connection = await Connection.OpenAsync(options, cancellationToken);
        }
        return (connection, new WireReader(connection.Stream));
    }

    private void Release(Connection connection, WireReader reader, bool reusable)
    {
        lock (_gate)
        {
            if (reusable && reader.Buffered == 0 && _idle is null)
            {
                _idle = (connection, reader);
                return;
            }
        }
        connection.Dispose();
    }

    private (Connection Connection, WireReader Reader)? TakeIdle()
    {
        lock (_gate)
        {
            (Connection, WireReader)? idle = _idle;
            _idle = null;
            return idle;
        }
    }

    private static string Lower(string left, string right) =>
        Version.TryParse(left, out Version? a) && Version.TryParse(right, out Version? b) && a < b ? left : right;
}

/// <summary>What an engine says of itself in <c>/_ping</c>.</summary>
/// <param name="ApiVersion">The newest version it speaks; empty if it does not say.</param>
/// <param name="OsType">The operating system of its containers.</param>
/// <param name="BuilderVersion">The builder it recommends; empty, <c>1</c> or <c>2</c>.</param>
/// <param name="IsExperimental">Whether experimental endpoints are on.</param>
public sealed record EnginePing(string ApiVersion, string OsType, string BuilderVersion, bool IsExperimental);
