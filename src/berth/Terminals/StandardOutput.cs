using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Cli.Terminals;

/// <summary>Standard output or standard error, byte for byte.</summary>
/// <remarks>.NET's own stream first sets up a terminal with its key tables and encodings, which a short command never uses.</remarks>
internal sealed class StandardOutput(int descriptor) : Stream
{
    // What a shell sees of a program that wrote to a closed pipe: 128 + SIGPIPE. The .NET runtime ignores the signal itself.
    private const int BrokenPipeCode = 141;

    private readonly FileDescriptor _descriptor = new(descriptor, ownsHandle: false);

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        try
        {
            while (!buffer.IsEmpty)
                buffer = buffer[FileCalls.Write(_descriptor, buffer)..];
        }
        catch (LinuxException refused) when (refused.Error == Errno.EAGAIN)
        {
            // Somebody who shares it made it non-blocking: .NET's stream knows how to wait.
            using Stream waiting = descriptor == 1 ? System.Console.OpenStandardOutput() : System.Console.OpenStandardError();
            waiting.Write(buffer);
        }
        catch (LinuxException refused) when (refused.Error == Errno.EPIPE)
        {
            System.Environment.Exit(BrokenPipeCode);
        }
        catch (LinuxException refused)
        {
            throw new IOException($"write standard {(descriptor == 1 ? "output" : "error")}: {refused.Message}", refused);
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <remarks>In the calling thread: what comes next depends on it anyway.</remarks>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Write(buffer.Span);
        return ValueTask.CompletedTask;
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        Write(buffer.AsSpan(offset, count));
        return Task.CompletedTask;
    }

    public override void Flush() { }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
