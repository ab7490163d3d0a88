using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Berth.Registry.Tests.Serving;

/// <summary>A request byte for byte as it is written here: a client of HTTP would put it right.</summary>
internal static class RawRequest
{
    /// <summary>Sends it and reads until the hub closes.</summary>
    public static async Task<string> SendAsync(int port, string line, params string[] headers)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, port);
        string head = string.Concat(headers.Prepend("Connection: close").Prepend("Host: hub").Select(header => header + "\r\n"));
        await socket.SendAsync(Encoding.Latin1.GetBytes($"{line}\r\n{head}\r\n"));
        using var answer = new MemoryStream();
        byte[] buffer = new byte[8192];
        while (await socket.ReceiveAsync(buffer) is > 0 and int count)
            answer.Write(buffer, 0, count);
        return Encoding.Latin1.GetString(answer.ToArray());
    }
}
