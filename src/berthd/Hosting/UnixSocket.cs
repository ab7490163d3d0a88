using System.Net.Sockets;

namespace Berth.Daemon.Hosting;

/// <summary>The file of a unix socket: made safely, taken over only from the dead.</summary>
internal static class UnixSocket
{
    /// <summary>Opens a listening socket that only root and a group may use.</summary>
    /// <exception cref="FaultException">Conflict: another daemon listens there. Unavailable: the place cannot be used.</exception>
    public static Socket Listen(string path, int? group)
    {
        string directory = Path.GetDirectoryName(path)!;
        try
        {
            Directory.CreateDirectory(
                directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
                    | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
            RemoveStale(path);
            return Bind(path, group);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or SocketException)
        {
            throw FaultException.Unavailable($"can't create unix socket {path}: {failure.Message}", failure);
        }
    }

    private static Socket Bind(string path, int? group)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            // Bound under a name of its own and renamed when the permissions are right: nobody can connect in between.
            string temporary = $"{path}.{Environment.ProcessId}";
            File.Delete(temporary);
            socket.Bind(new UnixDomainSocketEndPoint(temporary));
            File.SetUnixFileMode(
                temporary, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite);
            if (group is { } id)
                FileOwner.SetGroup(temporary, id);
            socket.Listen(BacklogMax);
            File.Move(temporary, path, overwrite: true);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static void RemoveStale(string path)
    {
        if (!File.Exists(path))
            return;
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException failure) when (failure.SocketErrorCode is SocketError.ConnectionRefused)
        {
            File.Delete(path);
            return;
        }
        throw FaultException.Conflict($"can't create unix socket {path}: another daemon is listening on it");
    }

    private const int BacklogMax = 1024;
}
