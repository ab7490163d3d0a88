using System.Net.Sockets;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Builder.Solving;

/// <summary>A socket in a step's own directory; what connects to it is carried elsewhere, until the step is over.</summary>
internal sealed class AgentSocket : IAsyncDisposable
{
    // An agent answers within a connection; a step that opens more than this at once wants something else.
    private const int ConnectionsMax = 32;
    private readonly Socket _listener;
    private readonly FileDescriptor _directory;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _room = new(ConnectionsMax);
    private readonly Task _accepting;

    private AgentSocket(Socket listener, FileDescriptor directory, Func<Stream, CancellationToken, Task> carry)
    {
        (_listener, _directory) = (listener, directory);
        _accepting = AcceptAsync(carry);
    }

    /// <summary>The socket's name in its directory.</summary>
    public static ReadOnlySpan<byte> Name => "agent\0"u8;

    /// <summary>Listens; only root may connect until its owner and mode are changed.</summary>
    /// <param name="directory">Where to make it.</param>
    /// <param name="carry">Carries one connection until it ends; disposes nothing.</param>
    public static AgentSocket Listen(string directory, Func<Stream, CancellationToken, Task> carry)
    {
        FileDescriptor opened = FileCalls.OpenDirectory(directory);
        Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            // Addresses of sockets are short; the directory's path need not be.
            listener.Bind(new UnixDomainSocketEndPoint($"/proc/self/fd/{opened.Number}/{FileCalls.TextOf(Name)}"));
            Files.TargetTree.Check(FileCalls.TrySetMode(opened, Name, 0x180), "chmod", "agent");
            listener.Listen(ConnectionsMax);
            return new AgentSocket(listener, opened, carry);
        }
        catch
        {
            listener.Dispose();
            opened.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _accepting.ConfigureAwait(false);
        _listener.Dispose();
        _directory.Dispose();
        _room.Dispose();
        _stop.Dispose();
    }

    private async Task AcceptAsync(Func<Stream, CancellationToken, Task> carry)
    {
        HashSet<Task> open = [];
        try
        {
            while (true)
            {
                await _room.WaitAsync(_stop.Token).ConfigureAwait(false);
                Socket accepted = await _listener.AcceptAsync(_stop.Token).ConfigureAwait(false);
                open.RemoveWhere(task => task.IsCompleted);
                open.Add(CarryAsync(accepted, carry));
            }
        }
        catch (Exception ended) when (ended is OperationCanceledException or SocketException)
        {
            // The step is over.
        }
        await Task.WhenAll(open).ConfigureAwait(false);
    }

    private async Task CarryAsync(Socket accepted, Func<Stream, CancellationToken, Task> carry)
    {
        await using NetworkStream connection = new(accepted, ownsSocket: true);
        try
        {
            await carry(connection, _stop.Token).ConfigureAwait(false);
        }
        catch (Exception ended) when (ended is OperationCanceledException or IOException or Faults.FaultException)
        {
            // Whoever connected sees the connection close.
        }
        finally
        {
            _room.Release();
        }
    }
}
