using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Cli.Terminals;

/// <summary>Standard input as the kernel gives it, key by key on a raw terminal.</summary>
/// <remarks>.NET's own stream reads terminals line by line with an editor and an echo of its own, which must not stand
/// between a keyboard and a container.</remarks>
internal sealed class StandardInput : Stream
{
    private readonly FileDescriptor _descriptor = new(0, ownsHandle: false);

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(Span<byte> buffer)
    {
        try
        {
            return FileCalls.Read(_descriptor, buffer);
        }
        catch (LinuxException e)
        {
            throw new IOException($"read standard input: {e.Message}", e);
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <remarks>A read of a terminal cannot be called off: it sits on a thread of its own until a key comes.</remarks>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        await Task.Run(() => Read(buffer.Span), cancellationToken);

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush() { }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
