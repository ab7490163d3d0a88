using System.Globalization;
using System.Net.Sockets;
using Berth.Daemon.Options;

namespace Berth.Daemon.Hosting;

/// <summary>Sockets that systemd opened and handed over.</summary>
/// <remarks>sd_listen_fds(3): descriptors from 3 on, how many in LISTEN_FDS, for whom in LISTEN_PID, names in LISTEN_FDNAMES.</remarks>
internal static class HandedSockets
{
    private const int First = 3;
    private const int CountMax = 64;

    /// <summary>The descriptors that an address means.</summary>
    /// <exception cref="FaultException">InvalidArgument: there is none, or one is TCP and there is no TLS.</exception>
    public static IReadOnlyList<int> Find(ListenAddress address, Func<string, string?> variable, bool hasTls)
    {
        int count = variable("LISTEN_PID") == Environment.ProcessId.ToString(CultureInfo.InvariantCulture)
            && int.TryParse(variable("LISTEN_FDS"), NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? Math.Min(number, CountMax) : 0;
        if (count == 0)
            throw FaultException.Invalid($"listen on {address}: no sockets found via socket activation: make sure the service was "
                + "started by systemd");
        string wanted = address.Handed!;
        string[] names = (variable("LISTEN_FDNAMES") ?? "").Split(':');
        int[] found = [.. Enumerable.Range(First, count).Where(descriptor => wanted is "" or "*"
            || wanted == descriptor.ToString(CultureInfo.InvariantCulture)
            || (descriptor - First < names.Length && names[descriptor - First] == wanted))];
        if (found.Length == 0)
            throw FaultException.Invalid($"listen on {address}: no systemd socket of that number or name was handed over");
        foreach (int descriptor in found)
            if (!IsUnix(descriptor, address) && !hasTls)
                throw FaultException.Invalid($"listen on {address}: whoever reaches a TCP socket is root on this machine: give "
                    + "--tlsverify, --tlscacert, --tlscert and --tlskey");
        return found;
    }

    /// <summary>True for a unix socket.</summary>
    /// <exception cref="FaultException">InvalidArgument: it is no socket.</exception>
    public static bool IsUnix(int descriptor, ListenAddress address)
    {
        try
        {
            using Socket socket = new(new SafeSocketHandle(descriptor, ownsHandle: false));
            return socket.AddressFamily is AddressFamily.Unix;
        }
        catch (SocketException failure)
        {
            throw FaultException.Invalid($"listen on {address}: descriptor {descriptor}: {failure.Message}", failure);
        }
    }
}
