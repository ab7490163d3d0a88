using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Hosting.Transport;

/// <summary>What a connection writes, straight to its socket: bytes in one piece however large, and files by the kernel.</summary>
/// <remarks>
/// It stands in the place of the server's own output, which passes everything through a pipe of 4 KiB blocks. For a file the bytes
/// are only
/// announced (<see cref="Advance"/> of memory that nobody fills), so that the server counts them, and sendfile(2) sends them when the
/// server
/// flushes. All calls come from the request that has its turn on the connection, so there is no lock; only an abort comes from elsewhere.
/// </remarks>
internal sealed class SocketOutput(Socket socket, PipeWriter former) : PipeWriter, IFileSending, IDisposable
{
    private const int BufferBytesMin = 4096;

    // What is announced at once: so much is sent before the server looks whether the client is fast enough.
    private const int AnnouncedBytes = 1024 * 1024;

    private static readonly byte[] s_announced = GC.AllocateUninitializedArray<byte>(AnnouncedBytes);

    private readonly CancellationTokenSource _abort = new();
    private byte[]? _buffer;
    private int _buffered;
    private FileSender? _file;
    private int _announced;
    private bool _isBroken;

    /// <inheritdoc/>
    public override bool CanGetUnflushedBytes => true;

    /// <inheritdoc/>
    public override long UnflushedBytes => _buffered + _announced;

    /// <inheritdoc/>
    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        if (_file is not null)
            return s_announced.AsMemory(_announced);
        Reserve(Math.Max(sizeHint, 1));
        return _buffer.AsMemory(_buffered);
    }

    /// <inheritdoc/>
    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    /// <inheritdoc/>
    public override void Advance(int bytes)
    {
        if (_file is not null)
            _announced += bytes;
        else
            _buffered += bytes;
    }

    /// <inheritdoc/>
    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) =>
        UnflushedBytes == 0 || _isBroken ? new(new FlushResult(isCanceled: false, isCompleted: _isBroken)) : SendAllAsync();

    /// <inheritdoc/>
    public override void CancelPendingFlush()
    {
        try
        {
            _abort.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The connection has ended by itself in this moment.
        }
    }

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null)
    {
        // What was not flushed goes the server's own way, which also ends the connection.
        if (_buffered > 0 && !_isBroken)
            former.Write(_buffer.AsSpan(0, _buffered));
        GiveBack();
        former.Complete(exception);
    }

    /// <summary>Sends a part of a file as the body of a response.</summary>
    public async Task SendAsync(HttpResponse response, FileStream file, long offset, long count, CancellationToken cancellationToken)
    {
        await response.StartAsync(cancellationToken).ConfigureAwait(false);
        PipeWriter body = response.BodyWriter;
        await body.FlushAsync(cancellationToken).ConfigureAwait(false);
        _file = new FileSender(socket, file, offset);
        try
        {
            while (count > 0 && !_isBroken)
            {
                int piece = (int)Math.Min(count, body.GetMemory().Length);
                body.Advance(piece);
                FlushResult flushed = await body.FlushAsync(cancellationToken).ConfigureAwait(false);
                if (flushed.IsCompleted || flushed.IsCanceled)
                    return;
                count -= piece;
            }
        }
        finally
        {
            _file.Dispose();
            _file = null;
            _announced = 0;
        }
    }

    public void Dispose()
    {
        GiveBack();
        _abort.Dispose();
    }

    private async ValueTask<FlushResult> SendAllAsync()
    {
        try
        {
            if (_buffered > 0)
                await socket.SendAsync(_buffer.AsMemory(0, _buffered), SocketFlags.None, _abort.Token).ConfigureAwait(false);
            if (_announced > 0)
                await _file!.SendAsync(_announced, _abort.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // The client is gone. As with a pipe whose reader ended, that is no failure of the writer's.
            _isBroken = true;
        }
        catch (EndOfStreamException)
        {
            // The client was promised more: that it cannot be had, only the end of the connection can say.
            _isBroken = true;
            socket.Dispose();
        }
        _announced = 0;
        GiveBack();
        return new FlushResult(isCanceled: false, isCompleted: _isBroken);
    }

    private void Reserve(int bytes)
    {
        if (_buffer is null)
            _buffer = ArrayPool<byte>.Shared.Rent(Math.Max(bytes, BufferBytesMin));
        else if (_buffer.Length - _buffered < bytes)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(_buffered + bytes, _buffer.Length * 2));
            _buffer.AsSpan(0, _buffered).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }
    }

    // A connection that waits for its next request holds no buffer.
    private void GiveBack()
    {
        if (_buffer is not null)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = null;
        _buffered = 0;
    }
}
