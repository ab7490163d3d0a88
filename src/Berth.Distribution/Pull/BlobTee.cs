using System.IO.Pipelines;

namespace Berth.Distribution;

/// <summary>The bytes of a blob for somebody who unpacks it while it is being downloaded.</summary>
/// <remarks>The download waits for its reader when the reader is a few megabytes behind, and goes on alone when the reader
/// leaves. The reader sees the end only after the digest was verified.</remarks>
internal sealed class BlobTee
{
    private const int BufferedBytesMax = 8 * 1024 * 1024;

    private readonly Pipe _pipe = new(new PipeOptions(
        pauseWriterThreshold: BufferedBytesMax, resumeWriterThreshold: BufferedBytesMax / 2, useSynchronizationContext: false));

    private bool _isOpen = true;

    /// <summary>True when the download had to begin again, so that the reader must take the finished blob instead.</summary>
    public bool IsAbandoned { get; private set; }

    public Stream Reader => _pipe.Reader.AsStream(leaveOpen: true);

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        if (_isOpen && (await _pipe.Writer.WriteAsync(bytes, cancellationToken)).IsCompleted)
            Complete(null);
    }

    public void Abandon()
    {
        if (!_isOpen)
            return;
        IsAbandoned = true;
        Complete(new IOException("the download began again"));
    }

    public void Complete(Exception? failure)
    {
        if (!_isOpen)
            return;
        _isOpen = false;
        _pipe.Writer.Complete(failure);
    }

    /// <summary>Says that nobody reads any more.</summary>
    public void LeaveReader() => _pipe.Reader.Complete();
}
