using System.Security.Cryptography;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Layers.Stores;

/// <summary>Sums the bytes of a delta's regular files; hard links count once.</summary>
internal sealed class SizeCounter : IDeltaVisitor
{
    private readonly HashSet<ulong> _linked = [];

    public long Bytes { get; private set; }

    public void Present(FileDescriptor parent, byte[] name, byte[] path, FileStatus status, FileStatus? below)
    {
        if (status.IsRegular && (status.Links == 1 || _linked.Add(status.Inode)))
            Bytes += status.Size;
    }

    public void Deleted(byte[] path) { }

    public void Opaque(byte[] path) { }
}

/// <summary>Hashes what is written and keeps nothing.</summary>
internal sealed class HashStream(IncrementalHash hash) : Stream
{
    public override bool CanRead => false;
    public override bool CanSeek => false;
    public override bool CanWrite => true;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override void Write(ReadOnlySpan<byte> buffer) => hash.AppendData(buffer);

    public override void Write(byte[] buffer, int offset, int count) => hash.AppendData(buffer, offset, count);

    public override void Flush() { }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
