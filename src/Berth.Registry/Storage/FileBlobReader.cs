using System.IO.Pipelines;

namespace Berth.Registry.Storage;

/// <summary>An open file of <see cref="FileBlobStorage"/>.</summary>
internal sealed class FileBlobReader : IBlobReader
{
    private const int PieceBytes = 256 * 1024;

    private readonly FileStream _file;

    private FileBlobReader(FileStream file) => (_file, Bytes) = (file, file.Length);

    public long Bytes { get; }

    public FileStream? File => _file;

    public static FileBlobReader? TryOpen(string path)
    {
        try
        {
            return new FileBlobReader(new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.Open, Access = FileAccess.Read, Share = FileShare.ReadWrite | FileShare.Delete, BufferSize = 0,
                // Only such a file may be handed to a socket to be sent.
                Options = FileOptions.Asynchronous,
            }));
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    public async ValueTask CopyToAsync(PipeWriter output, long offset, long count, CancellationToken cancellationToken)
    {
        while (count > 0)
        {
            Memory<byte> room = output.GetMemory((int)Math.Min(count, PieceBytes));
            if (room.Length > count)
                room = room[..(int)count];
            int read = RandomAccess.Read(_file.SafeFileHandle, room.Span, offset);
            if (read == 0)
                throw new EndOfStreamException("a blob's file is shorter than it was");
            output.Advance(read);
            offset += read;
            count -= read;
            FlushResult flushed = await output.FlushAsync(cancellationToken).ConfigureAwait(false);
            if (flushed.IsCompleted || flushed.IsCanceled)
                return;
        }
    }

    public ValueTask DisposeAsync() => _file.DisposeAsync();
}
