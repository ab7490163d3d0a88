using System.Globalization;
using System.Net.Sockets;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Linux.Sockets;
using Berth.Stage;

namespace Berth.Runtime.Monitors;

/// <summary>How a monitor recorded its process's end.</summary>
internal sealed record ExitRecord(int Code, DateTimeOffset At, DateTimeOffset? StartedAt);

/// <summary>A container's run directory: its state, its monitor's socket, its exit record.</summary>
internal static class RunDirectories
{
    // sun_path has 108 bytes.
    private const int PathMax = 100;

    /// <summary>The exit record, or null.</summary>
    public static ExitRecord? ReadExit(string runDirectory)
    {
        try
        {
            string[] fields = File.ReadAllText(Path.Join(runDirectory, StageContract.ExitName)).Split(' ');
            if (fields.Length != 5)
                return null;
            long[] numbers = [.. fields.Select(static field => long.Parse(field, CultureInfo.InvariantCulture))];
            return new ExitRecord((int)numbers[0], At(numbers[1], numbers[2]), At(numbers[3], numbers[4]));
        }
        catch (Exception missing) when (missing is IOException or FormatException)
        {
            return null;
        }
    }

    /// <summary>Connects to the monitor; null when none listens.</summary>
    public static Socket? TryConnect(string runDirectory)
    {
        Socket socket = PacketSockets.Create();
        try
        {
            string path = Path.Join(runDirectory, StageContract.SocketName);
            if (path.Length < PathMax)
            {
                socket.Connect(new UnixDomainSocketEndPoint(path));
            }
            else
            {
                using FileDescriptor directory = FileCalls.OpenDirectory(runDirectory);
                socket.Connect(new UnixDomainSocketEndPoint($"/proc/self/fd/{directory.Number}/{StageContract.SocketName}"));
            }
            return socket;
        }
        catch (Exception refused) when (refused is SocketException or LinuxException)
        {
            socket.Dispose();
            return null;
        }
    }

    /// <summary>Removes the directory with what the runtime put there.</summary>
    public static void Clear(string runDirectory)
    {
        try
        {
            Directory.Delete(runDirectory, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // Deleted before.
        }
    }

    private static DateTimeOffset At(long seconds, long nanoseconds) =>
        DateTimeOffset.UnixEpoch.AddSeconds(seconds).AddTicks(nanoseconds / 100);
}
