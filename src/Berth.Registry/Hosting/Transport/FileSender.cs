using System.Net.Sockets;

namespace Berth.Registry.Hosting.Transport;

/// <summary>Sends consecutive pieces of a file to a socket by sendfile(2).</summary>
internal sealed class FileSender : IDisposable
{
    private readonly Socket _socket;
    private readonly FileStream _file;
    private readonly SocketAsyncEventArgs _arguments = new();
    private long _offset;
    private TaskCompletionSource? _sent;

    public FileSender(Socket socket, FileStream file, long offset)
    {
        (_socket, _file, _offset) = (socket, file, offset);
        _arguments.Completed += (_, _) => _sent!.SetResult();
    }

    /// <exception cref="SocketException">The client is gone.</exception>
    /// <exception cref="EndOfStreamException">The file is shorter than it was.</exception>
    public async ValueTask SendAsync(int count, CancellationToken cancellationToken)
    {
        _sent = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _arguments.SendPacketsElements = [new SendPacketsElement(_file, _offset, count)];
        if (_socket.SendPacketsAsync(_arguments))
        {
            // There is no way to take back what the kernel was asked for, but to close what it goes to.
            await using CancellationTokenRegistration abort = cancellationToken.UnsafeRegister(
                static socket => ((Socket)socket!).Dispose(), _socket);
            await _sent.Task.ConfigureAwait(false);
        }
        if (_arguments.SocketError != SocketError.Success)
            throw new SocketException((int)_arguments.SocketError);
        if (_arguments.BytesTransferred != count)
            throw new EndOfStreamException("a blob's file is shorter than it was");
        _offset += count;
    }

    public void Dispose() => _arguments.Dispose();
}
