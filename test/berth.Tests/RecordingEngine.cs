using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Berth.Cli.Tests;

/// <summary>An engine of fixed answers on a unix socket, which keeps what it was asked. For Docker's client and ours alike.</summary>
internal sealed class RecordingEngine : IAsyncDisposable
{
    private readonly Func<string, string, (int Status, string Json)> _answer;
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly Lock _gate = new();
    private readonly HashSet<Socket> _open = [];   // Guarded by _gate.
    private readonly List<(string Request, string Body)> _requests = [];   // Guarded by _gate.
    private readonly Task _serving;

    /// <param name="answer">The answer to a method and a path without its version and query.</param>
    public RecordingEngine(Func<string, string, (int Status, string Json)> answer)
    {
        _answer = answer;
        Path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"berth-stub-{Guid.NewGuid():N}.sock");
        _listener.Bind(new UnixDomainSocketEndPoint(Path));
        _listener.Listen(16);
        _serving = ServeAsync();
    }

    public string Path { get; }

    public string Host => "unix://" + Path;

    /// <summary>The lines of the last request's head, behind the first.</summary>
    public IReadOnlyList<string> LastHeaders { get; private set; } = [];

    /// <summary>What was asked since the last call, without pings.</summary>
    public IReadOnlyList<(string Request, string Body)> TakeRequests()
    {
        lock (_gate)
        {
            (string, string)[] all = [.. _requests];
            _requests.Clear();
            return all;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        lock (_gate)
        {
            // Clients keep connections open; without this their readers would never end.
            foreach (Socket socket in _open)
                socket.Dispose();
        }
        await _serving;
        File.Delete(Path);
    }

    private async Task ServeAsync()
    {
        List<Task> clients = [];
        try
        {
            while (true)
            {
                Socket socket = await _listener.AcceptAsync();
                lock (_gate)
                    _open.Add(socket);
                clients.Add(TalkAsync(socket));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Disposed: the test is over.
        }
        await Task.WhenAll(clients);
    }

    private async Task TalkAsync(Socket socket)
    {
        try
        {
            await using NetworkStream stream = new(socket, ownsSocket: true);
            using StreamReader reader = new(stream, Encoding.Latin1);
            while (await reader.ReadLineAsync() is { Length: > 0 } request)
                await AnswerAsync(stream, reader, request.Split(' '));
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // The client went away, or the test is over.
        }
        finally
        {
            lock (_gate)
                _open.Remove(socket);
        }
    }

    private async Task AnswerAsync(Stream stream, StreamReader reader, string[] request)
    {
        int length = 0;
        List<string> headers = [];
        while (await reader.ReadLineAsync() is { Length: > 0 } header)
        {
            headers.Add(header);
            if (header.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase))
                length = int.Parse(header.AsSpan(15), CultureInfo.InvariantCulture);
        }
        LastHeaders = headers;
        char[] body = new char[length];
        if (length > 0)   // Reading nothing would wait for the next request.
            await reader.ReadBlockAsync(body);
        bool isPing = request[1].EndsWith("/_ping", StringComparison.Ordinal);
        string path = request[1].Split('?')[0];
        if (path.StartsWith("/v1.", StringComparison.Ordinal))
            path = path[path.IndexOf('/', 1)..];
        (int status, string json) = isPing ? (200, "OK") : _answer(request[0], path);
        if (!isPing)
        {
            lock (_gate)
                _requests.Add(($"{request[0]} {request[1]}", new string(body)));
        }
        byte[] content = Encoding.UTF8.GetBytes(json);
        string head = $"HTTP/1.1 {status} X\r\nApi-Version: 1.50\r\nOstype: linux\r\nContent-Type: application/json\r\n"
            + $"Content-Length: {content.Length}\r\n\r\n";
        byte[] answer = request[0] == "HEAD" ? Encoding.ASCII.GetBytes(head) : [.. Encoding.ASCII.GetBytes(head), .. content];
        await stream.WriteAsync(answer);
    }
}
