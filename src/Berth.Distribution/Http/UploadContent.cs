using System.Net;

namespace Berth.Distribution;

/// <summary>A part of a blob as a request's body, telling how far it is.</summary>
internal sealed class UploadContent(Stream blob, long offset, long length, TimeSpan idleTimeout, Action<long> sent) : HttpContent
{
    private const int BufferBytes = 256 * 1024;

    // Registries move a finished upload to its place before they answer, which takes longer than a step of the way.
    private const int AnswerIdleTimes = 10;

    /// <summary>Cancelled when nothing moves for too long; set by the transport.</summary>
    public CancellationTokenSource? Watch { get; set; }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(
        Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[BufferBytes];
        long left = length;
        blob.Position = offset;
        while (left > 0)
        {
            int read = await blob.ReadAsync(buffer.AsMemory(0, (int)Math.Min(left, buffer.Length)), cancellationToken);
            if (read == 0)
                throw new IOException("the blob ended before its size");
            Watch?.CancelAfter(idleTimeout);
            await stream.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
            left -= read;
            sent(offset + length - left);
        }
        Watch?.CancelAfter(idleTimeout * AnswerIdleTimes);
    }

    protected override bool TryComputeLength(out long bodyLength)
    {
        bodyLength = length;
        return true;
    }
}
