using System.Threading.Channels;

namespace Berth.Engine;

/// <summary>Lets work that writes synchronously feed a destination that only takes asynchronous writes, with a bounded buffer.</summary>
internal static class SynchronousWriter
{
    private const int PiecesMax = 16;

    /// <summary>Runs work on a thread of its own and passes on what it writes.</summary>
    public static async Task RunAsync(Action<Stream, CancellationToken> work, Stream destination, CancellationToken cancellationToken)
    {
        Channel<byte[]> pieces = Channel.CreateBounded<byte[]>(PiecesMax);
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task writing = Task.Factory.StartNew(() => Produce(work, pieces.Writer, stop.Token), CancellationToken.None,
            TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            await foreach (byte[] piece in pieces.Reader.ReadAllAsync(cancellationToken))
                await destination.WriteAsync(piece, cancellationToken);
        }
        finally
        {
            await stop.CancelAsync(); // The reader may fail first; the writer must not outlive it.
            await writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        await writing;
    }

    private static void Produce(Action<Stream, CancellationToken> work, ChannelWriter<byte[]> writer, CancellationToken stop)
    {
        try
        {
            using BufferedStream buffered = new(new PieceStream(writer, stop), 64 * 1024);
            work(buffered, stop);
            buffered.Flush();
            writer.TryComplete();
        }
        catch (Exception exception)
        {
            writer.TryComplete(exception);
            throw;
        }
    }

    private sealed class PieceStream(ChannelWriter<byte[]> writer, CancellationToken stop) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            byte[] piece = buffer.ToArray();
            while (!writer.TryWrite(piece))
            {
                // This thread is the work's own; nobody else waits on it.
                if (!writer.WaitToWriteAsync(stop).AsTask().GetAwaiter().GetResult())
                    throw new IOException("the reader of the archive has gone");
            }
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}

/// <summary>An archive that is written by synchronous work on things it owns.</summary>
internal sealed class OwnedArchive(PathStat? root, Action<Stream, CancellationToken> work, params IDisposable[] owned) : IArchive
{
    public PathStat? Root => root;

    public Task WriteToAsync(Stream destination, CancellationToken cancellationToken) =>
        SynchronousWriter.RunAsync(work, destination, cancellationToken);

    public ValueTask DisposeAsync()
    {
        foreach (IDisposable thing in owned)
            thing.Dispose();
        return ValueTask.CompletedTask;
    }
}
