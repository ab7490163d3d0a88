using System.Net.Sockets;
using Berth.Stage;

namespace Berth.Runtime.Monitors;

/// <summary>An attach connection to a monitor.</summary>
internal sealed class ContainerStreams(Socket socket) : IContainerStreams
{
    private readonly byte[] _packet = new byte[StageContract.ChunkMax + 1];
    private readonly byte[] _input = new byte[StageContract.ChunkMax + 1];
    private int _start;
    private int _end;
    private bool _over;

    /// <inheritdoc/>
    public async ValueTask<(OutputSource Source, int Count)> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (_start == _end && !_over)
        {
            int count = await PacketReader.ReceiveAsync(socket, _packet, cancellationToken);
            if (count <= 0 || _packet[0] == (byte)Packet.End)
                _over = true;
            else if (_packet[0] is (byte)Packet.Output or (byte)Packet.Error)
                (_start, _end) = (1, count);
        }
        if (_over)
            return (OutputSource.Stdout, 0);
        int taken = Math.Min(buffer.Length, _end - _start);
        _packet.AsMemory(_start, taken).CopyTo(buffer);
        _start += taken;
        return (_packet[0] == (byte)Packet.Error ? OutputSource.Stderr : OutputSource.Stdout, taken);
    }

    /// <inheritdoc/>
    public async ValueTask<bool> WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (!bytes.IsEmpty)
        {
            int count = Math.Min(bytes.Length, StageContract.ChunkMax);
            _input[0] = (byte)Packet.Input;
            bytes[..count].CopyTo(_input.AsMemory(1));
            if (!await TrySendAsync(_input.AsMemory(0, count + 1), cancellationToken))
                return false;
            bytes = bytes[count..];
        }
        return true;
    }

    /// <inheritdoc/>
    public async ValueTask CloseInputAsync() =>
        await TrySendAsync(new byte[] { (byte)Packet.CloseInput }, CancellationToken.None);

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        socket.Dispose();
        return ValueTask.CompletedTask;
    }

    private async ValueTask<bool> TrySendAsync(ReadOnlyMemory<byte> packet, CancellationToken cancellationToken)
    {
        try
        {
            await socket.SendAsync(packet, cancellationToken);
            return true;
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }
}
