using System.Buffers.Binary;
using Google.Protobuf;
using Grpc.Core;

namespace Berth.BuildKit.Control;

/// <summary>Messages on a stream as gRPC has them: a flag, a length of four bytes, the message.</summary>
/// <remarks>gRPC over HTTP/2, "Length-Prefixed-Message".</remarks>
internal static class MessageFrames
{
    /// <summary>The longest message that is taken; BuildKit's own limit.</summary>
    public const int MessageBytesMax = 16 * 1024 * 1024;

    private const int HeadBytes = 5;

    // A length that somebody claims costs nothing until its bytes are there.
    private const int FirstBytes = 64 * 1024;

    /// <summary>Reads the next message; null when there is none.</summary>
    /// <exception cref="RpcException">It is cut short, too long or compressed.</exception>
    public static async Task<byte[]?> ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
        byte[] head = new byte[HeadBytes];
        int read = await stream.ReadAtLeastAsync(head, HeadBytes, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        if (read == 0)
            return null;
        if (read < HeadBytes)
            throw Refuse(StatusCode.Internal, "the message's head is cut short");
        if (head[0] != 0)
            throw Refuse(StatusCode.Unimplemented, "compressed messages are not supported by this engine: send identity");
        uint length = BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(1));
        if (length > MessageBytesMax)
            throw Refuse(StatusCode.ResourceExhausted, $"received message larger than max ({length} vs. {MessageBytesMax})");
        byte[] message = new byte[Math.Min((int)length, FirstBytes)];
        int filled = 0;
        while (filled < length)
        {
            if (filled == message.Length)
                Array.Resize(ref message, (int)Math.Min(length, message.Length * 2L));
            int count = await stream.ReadAsync(message.AsMemory(filled), cancellationToken).ConfigureAwait(false);
            if (count == 0)
                throw Refuse(StatusCode.Internal, "the message is cut short");
            filled += count;
        }
        return message;
    }

    /// <summary>Reads the next message; null when there is none.</summary>
    /// <exception cref="RpcException">As above, or it is not such a message.</exception>
    public static async Task<T?> ReadAsync<T>(Stream stream, MessageParser<T> parser, CancellationToken cancellationToken)
        where T : class, IMessage<T>
    {
        byte[]? bytes = await ReadAsync(stream, cancellationToken).ConfigureAwait(false);
        try
        {
            return bytes is null ? null : parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException malformed)
        {
            throw Refuse(StatusCode.Internal, $"failed to unmarshal the received message: {malformed.Message}");
        }
    }

    /// <summary>Writes a message and sends it.</summary>
    public static Task WriteAsync(Stream stream, IMessage message, CancellationToken cancellationToken) =>
        WriteAsync(stream, message.ToByteArray(), cancellationToken);

    /// <summary>Writes a message and sends it.</summary>
    public static async Task WriteAsync(Stream stream, ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        byte[] frame = new byte[HeadBytes + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Length);
        message.Span.CopyTo(frame.AsSpan(HeadBytes));
        await stream.WriteAsync(frame, cancellationToken).ConfigureAwait(false);
        await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    private static RpcException Refuse(StatusCode code, string message) => new(new Status(code, message));
}
