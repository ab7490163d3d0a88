using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Berth.Linux;

namespace Berth.Network;

/// <summary>Asks the host's resolvers, from the host's side, for what containers do not know among themselves.</summary>
internal sealed class DnsForwarder(FileDescriptor? hostNamespace)
{
    private const int Port = 53;
    private const int MessageBytesMax = 65535;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(3);

    /// <summary>The first usable answer, for the client as it is; null when nobody answers.</summary>
    public async Task<byte[]?> AskAsync(
        ReadOnlyMemory<byte> query, IReadOnlyList<IPAddress> servers, bool isStream, CancellationToken cancellationToken)
    {
        byte[] question = query.ToArray();
        // The client's number is not used outside: a container must not choose what an attacker would have to guess.
        RandomNumberGenerator.Fill(question.AsSpan(0, 2));
        foreach (IPAddress server in servers)
        {
            using CancellationTokenSource deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            deadline.CancelAfter(s_patience);
            try
            {
                byte[]? answer = isStream
                    ? await AskByStreamAsync(question, server, deadline.Token)
                    : await AskByDatagramAsync(question, server, deadline.Token);
                if (answer is null)
                    continue;
                query.Span[..2].CopyTo(answer);
                return answer;
            }
            catch (Exception exception) when (exception is SocketException || IsPatience(exception, cancellationToken))
            {
                // The next one may answer.
            }
        }
        return null;
    }

    private static bool IsPatience(Exception exception, CancellationToken cancellationToken) =>
        exception is OperationCanceledException && !cancellationToken.IsCancellationRequested;

    private async Task<byte[]?> AskByDatagramAsync(byte[] question, IPAddress server, CancellationToken cancellationToken)
    {
        using Socket socket = Open(server, SocketType.Dgram, ProtocolType.Udp);
        await socket.ConnectAsync(new IPEndPoint(server, Port), cancellationToken);
        await socket.SendAsync(question, cancellationToken);
        byte[] buffer = new byte[MessageBytesMax];
        while (true)
        {
            int count = await socket.ReceiveAsync(buffer, cancellationToken);
            if (IsAnswer(buffer.AsSpan(0, count), question))
                return buffer[..count];
        }
    }

    private async Task<byte[]?> AskByStreamAsync(byte[] question, IPAddress server, CancellationToken cancellationToken)
    {
        using Socket socket = Open(server, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(new IPEndPoint(server, Port), cancellationToken);
        await DnsStream.WriteAsync(socket, question, cancellationToken);
        byte[]? answer = await DnsStream.ReadAsync(socket, cancellationToken);
        return answer is not null && IsAnswer(answer, question) ? answer : null;
    }

    private static bool IsAnswer(ReadOnlySpan<byte> answer, ReadOnlySpan<byte> question) =>
        answer.Length >= DnsQuery.HeaderSize && answer[..2].SequenceEqual(question[..2]) && (answer[2] & 0x80) != 0;

    private Socket Open(IPAddress server, SocketType type, ProtocolType protocol) =>
        NetworkNamespace.Run(hostNamespace, () => new Socket(server.AddressFamily, type, protocol));
}

/// <summary>Messages over TCP: each behind its length (RFC 1035 section 4.2.2).</summary>
internal static class DnsStream
{
    public static async Task WriteAsync(Socket socket, byte[] message, CancellationToken cancellationToken)
    {
        byte[] framed = new byte[message.Length + 2];
        BinaryPrimitives.WriteUInt16BigEndian(framed, (ushort)message.Length);
        message.CopyTo(framed, 2);
        for (int sent = 0; sent < framed.Length;)
            sent += await socket.SendAsync(framed.AsMemory(sent), cancellationToken);
    }

    /// <returns>Null at the end of the stream.</returns>
    public static async Task<byte[]?> ReadAsync(Socket socket, CancellationToken cancellationToken)
    {
        byte[] length = new byte[2];
        if (!await FillAsync(socket, length, cancellationToken))
            return null;
        byte[] message = new byte[BinaryPrimitives.ReadUInt16BigEndian(length)];
        return await FillAsync(socket, message, cancellationToken) ? message : null;
    }

    private static async Task<bool> FillAsync(Socket socket, byte[] buffer, CancellationToken cancellationToken)
    {
        for (int filled = 0; filled < buffer.Length;)
        {
            int count = await socket.ReceiveAsync(buffer.AsMemory(filled), cancellationToken);
            if (count == 0)
                return false;
            filled += count;
        }
        return true;
    }
}
