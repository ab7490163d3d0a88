using System.Buffers.Binary;
using Berth.Client.Wire;

namespace Berth.Client;

/// <summary>A connection that has become a byte stream both ways; the caller owns it.</summary>
public sealed class HijackedStream : IDisposable
{
    /// <summary>The content type that says frames with a stream number, not bare bytes, follow.</summary>
    public const string MultiplexedType = "application/vnd.docker.multiplexed-stream";

    private readonly Connection _connection;
    private readonly WireReader _reader;

    internal HijackedStream(Connection connection, WireReader reader, string contentType) =>
        (_connection, _reader, ContentType) = (connection, reader, contentType);

    /// <summary>The answer's content type, empty if it had none.</summary>
    public string ContentType { get; }

    /// <summary>From here on reads wait in the calling thread (over a unix socket, and where the token cannot be cancelled): for a caller
    /// who only copies what comes.</summary>
    public void WaitInThread() => _connection.Blocks = true;

    /// <summary>Reads bytes; 0 at the end.</summary>
    public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken) =>
        _reader.ReadAsync(buffer, cancellationToken);

    /// <summary>Sends bytes.</summary>
    public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
        _connection.Stream.WriteAsync(bytes, cancellationToken);

    /// <summary>Ends our half: the container's standard input sees its end, its output goes on.</summary>
    public ValueTask CloseWriteAsync() => _connection.CloseWriteAsync();

    /// <summary>Copies everything to one stream (a terminal's output).</summary>
    public Task CopyToAsync(Stream output, CancellationToken cancellationToken) =>
        StreamFrames.CopyAsync(ReadAsync, output, cancellationToken);

    /// <summary>Copies the frames to standard output and standard error.</summary>
    public Task DemultiplexAsync(Stream standardOutput, Stream standardError, CancellationToken cancellationToken) =>
        StreamFrames.DemultiplexAsync(ReadAsync, standardOutput, standardError, cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => _connection.Dispose();
}

/// <summary>Docker's frames: stream number, three zeros, a big-endian length, bytes.</summary>
public static class StreamFrames
{
    /// <summary>The signature of a read: fills the memory, 0 at the end.</summary>
    public delegate ValueTask<int> Reader(Memory<byte> buffer, CancellationToken cancellationToken);

    /// <summary>Copies bare bytes until the end.</summary>
    public static async Task CopyAsync(Reader read, Stream output, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[32 * 1024];
        int count;
        while ((count = await read(buffer, cancellationToken)) > 0)
        {
            await output.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
            await output.FlushAsync(cancellationToken);
        }
    }

    /// <summary>Splits frames until the end.</summary>
    /// <exception cref="IOException">The bytes are not frames, or the engine reports a failure in stream 3.</exception>
    public static async Task DemultiplexAsync(
        Reader read, Stream standardOutput, Stream standardError, CancellationToken cancellationToken)
    {
        byte[] head = new byte[8];
        byte[] buffer = new byte[32 * 1024];
        while (await FillAsync(read, head, cancellationToken))
        {
            uint left = BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(4));
            using MemoryStream? failure = head[0] == 3 ? new MemoryStream() : null;
            Stream output = head[0] switch
            {
                0 or 1 => standardOutput,
                2 => standardError,
                3 => failure!,
                _ => throw new IOException($"unrecognized input header: {head[0]}"),
            };
            while (left > 0)
            {
                int count = await read(buffer.AsMemory(0, (int)Math.Min(left, buffer.Length)), cancellationToken);
                if (count == 0)
                    return;
                await output.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
                left -= (uint)count;
            }
            await output.FlushAsync(cancellationToken);
            if (failure is not null)
                throw new IOException("error from daemon in stream: " + System.Text.Encoding.UTF8.GetString(failure.ToArray()));
        }
    }

    private static async ValueTask<bool> FillAsync(Reader read, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        int filled = 0;
        while (filled < buffer.Length)
        {
            int count = await read(buffer[filled..], cancellationToken);
            if (count == 0)
                return false;
            filled += count;
        }
        return true;
    }
}
