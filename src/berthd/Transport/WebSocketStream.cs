using System.IO.Pipelines;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Berth.Engine;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Transport;

/// <summary>Carries a process' streams over a websocket: messages in are its input, its output and errors are messages out.</summary>
/// <remarks>RFC 6455. Engine API, "Attach to a container via a websocket": nothing is framed besides. A connection that was taken away
/// from HTTP is used, as for attach, so that the limits and time-outs of requests do not apply.</remarks>
internal static class WebSocketStream
{
    private const string HandshakeGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    private const int KeyLengthMax = 64;
    private const int BufferBytes = 32 * 1024;
    private static readonly TimeSpan s_keepAlive = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_closeTime = TimeSpan.FromSeconds(2);

    /// <summary>Refuses a request that is no websocket handshake.</summary>
    /// <exception cref="FaultException">InvalidArgument: it is none.</exception>
    public static void Require(HttpRequest request)
    {
        bool isHandshake = request.Headers.Upgrade.ToString().Equals("websocket", StringComparison.OrdinalIgnoreCase)
            && request.Headers.SecWebSocketVersion == "13"
            && request.Headers.SecWebSocketKey.ToString() is { Length: > 0 and <= KeyLengthMax };
        if (!isHandshake)
            throw FaultException.Invalid("not websocket protocol: Upgrade: websocket, Sec-WebSocket-Version: 13 and a key are expected");
    }

    /// <summary>Answers the handshake and copies in both directions until the output has ended or the client went away.</summary>
    public static async Task RunAsync(HttpContext http, IAttachment attachment, bool stdin, bool asText, CancellationToken stopping)
    {
        IHijackFeature connection = http.Features.Get<IHijackFeature>()
            ?? throw new InvalidOperationException("the connection was accepted without the hijacking layer");
        byte[] head = Encoding.ASCII.GetBytes("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + $"Sec-WebSocket-Accept: {Accept(http.Request.Headers.SecWebSocketKey.ToString())}\r\n\r\n");
        IDuplexPipe client = connection.Hijack();
        await using (attachment)
        {
            try
            {
                await client.Output.WriteAsync(head, stopping);
                using WebSocket socket = WebSocket.CreateFromStream(
                    new DuplexPipeStream(client), new WebSocketCreationOptions { IsServer = true, KeepAliveInterval = s_keepAlive });
                await PumpAsync(socket, attachment, stdin, asText, stopping);
            }
            catch (Exception gone) when (gone is WebSocketException or IOException or OperationCanceledException)
            {
                // The client went away, or we do.
            }
            finally
            {
                await client.Output.CompleteAsync();
                await client.Input.CompleteAsync();
            }
        }
    }

    private static async Task PumpAsync(
        WebSocket socket, IAttachment attachment, bool stdin, bool asText, CancellationToken stopping)
    {
        using CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        Task input = PumpInputAsync(socket, attachment, stdin, ending, stopping);
        byte[] buffer = new byte[BufferBytes];
        try
        {
            while (await attachment.ReadAsync(buffer, ending.Token) is { Count: > 0 } piece)
                await socket.SendAsync(
                    buffer.AsMemory(0, piece.Count), asText ? WebSocketMessageType.Text : WebSocketMessageType.Binary,
                    endOfMessage: true, stopping);
        }
        catch (OperationCanceledException) when (!stopping.IsCancellationRequested)
        {
            // The client has said that it closes.
        }
        if (socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, stopping);
        try
        {
            // Its own close ends the connection in good order.
            await input.WaitAsync(s_closeTime, stopping);
        }
        catch (TimeoutException)
        {
            socket.Abort();
            await input;
        }
    }

    // Reads in any case: that the client closes is a message too.
    private static async Task PumpInputAsync(
        WebSocket socket, IAttachment attachment, bool stdin, CancellationTokenSource ending, CancellationToken stopping)
    {
        byte[] buffer = new byte[BufferBytes];
        try
        {
            while (await socket.ReceiveAsync(buffer.AsMemory(), stopping) is { MessageType: not WebSocketMessageType.Close } received)
                if (stdin)
                    await attachment.WriteAsync(buffer.AsMemory(0, received.Count), ending.Token);
        }
        catch (Exception gone) when (gone is WebSocketException or IOException or OperationCanceledException or FaultException)
        {
            // Nobody is there any more.
        }
        if (stdin)
            await attachment.CloseInputAsync();
        await ending.CancelAsync();
    }

    // RFC 6455, 4.2.2: the protocol prescribes this hash, and it protects nothing.
#pragma warning disable CA5350
    private static string Accept(string key) => Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + HandshakeGuid)));
#pragma warning restore CA5350
}
