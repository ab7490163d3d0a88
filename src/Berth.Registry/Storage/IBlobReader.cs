using System.IO.Pipelines;

namespace Berth.Registry.Storage;

/// <summary>An open blob.</summary>
public interface IBlobReader : IAsyncDisposable
{
    /// <summary>Its size.</summary>
    long Bytes { get; }

    /// <summary>The file of which the blob is the whole content, where it is one: a server may send it without reading it.</summary>
    FileStream? File { get; }

    /// <summary>Writes a part of it to a pipe, in large pieces, and flushes.</summary>
    /// <exception cref="EndOfStreamException">The blob is shorter than it was said to be.</exception>
    ValueTask CopyToAsync(PipeWriter output, long offset, long count, CancellationToken cancellationToken);
}
