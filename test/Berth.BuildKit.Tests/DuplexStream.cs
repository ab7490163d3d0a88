using System.Net.Sockets;

namespace Berth.BuildKit.Tests;

/// <summary>One end of a connection whose other end is beside it.</summary>
internal sealed class DuplexStream : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"berth-pair-{Guid.NewGuid():n}");
    private readonly Socket _near = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly NetworkStream _stream;

    public DuplexStream()
    {
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(_path));
        listener.Listen(1);
        _near.Connect(new UnixDomainSocketEndPoint(_path));
        Far = new NetworkStream(listener.Accept(), ownsSocket: true);
        _stream = new NetworkStream(_near, ownsSocket: true);
    }

    public Stream Far { get; }

    public ValueTask WriteAsync(byte[] bytes, CancellationToken cancellationToken) => _stream.WriteAsync(bytes, cancellationToken);

    public ValueTask ReadExactlyAsync(byte[] bytes, CancellationToken cancellationToken) =>
        _stream.ReadExactlyAsync(bytes, cancellationToken);

    public void EndWriting() => _near.Shutdown(SocketShutdown.Send);

    public void Dispose()
    {
        _stream.Dispose();
        Far.Dispose();
        File.Delete(_path);
    }
}
