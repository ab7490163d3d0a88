using System.Diagnostics;
using System.Net.Sockets;
using Berth.Client;

namespace Berth.Cli.Configuration;

/// <summary>Starts <c>berthd</c> when nothing listens on the default socket, so that a newcomer need not.</summary>
/// <remarks>
/// Several clients may find no engine at the same time: a lock file beside the socket lets one of them start it, the others wait
/// for the socket. The daemon is started with a session and streams of its own, so it outlives the terminal.
/// </remarks>
internal static class EngineStarter
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(15);

    public static async Task<bool> StartAsync(Session session, EngineAddress address, CancellationToken cancellationToken)
    {
        string? program = Find(session);
        if (program is null)
            return false;
        string directory = Path.GetDirectoryName(address.Path)!;
        FileStream? turn = null;
        Process? daemon = null;
        try
        {
            Directory.CreateDirectory(directory);
            long start = Stopwatch.GetTimestamp();
            string log = Path.Combine(directory, "berthd.log");
            while (Stopwatch.GetElapsedTime(start) < s_patience)
            {
                if (await ListensAsync(address.Path, cancellationToken))
                    return true;
                turn ??= TryLock(Path.Combine(directory, "start.lock"));
                if (turn is not null && daemon is null)
                {
                    if (await ListensAsync(address.Path, cancellationToken))
                        return true;
                    daemon = Launch(program, log);
                }
                if (daemon is { HasExited: true })
                {
                    session.Warn($"berthd ended with code {daemon.ExitCode}: {LastLine(log)}");
                    return false;
                }
                await Task.Delay(TimeSpan.FromMilliseconds(5), cancellationToken);
            }
            session.Warn($"berthd did not listen on {address} within {s_patience.TotalSeconds:0} seconds; see {log}");
            return false;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
        finally
        {
            turn?.Dispose();
            daemon?.Dispose();
        }
    }

    private static string? Find(Session session)
    {
        string beside = Path.Combine(AppContext.BaseDirectory, "berthd");
        if (File.Exists(beside))
            return beside;
        return (session.Variable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(static directory => Path.Combine(directory, "berthd")).FirstOrDefault(File.Exists);
    }

    // The shell takes the daemon out of this terminal's session and appends its output to the log; names are passed as
    // arguments, not spliced into the script.
    private static Process Launch(string program, string log)
    {
        ProcessStartInfo start = new("/bin/sh") { UseShellExecute = false };
        foreach (string argument in (string[])
            ["-c", "exec setsid \"$0\" </dev/null >>\"$1\" 2>&1", program, log])
        {
            start.ArgumentList.Add(argument);
        }
        return Process.Start(start) ?? throw new IOException($"start {program}: no process");
    }

    private static FileStream? TryLock(string path)
    {
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static async Task<bool> ListensAsync(string path, CancellationToken cancellationToken)
    {
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static string LastLine(string log)
    {
        try
        {
            return File.ReadLines(log).LastOrDefault(static line => line.Length > 0) ?? $"see {log}";
        }
        catch (IOException)
        {
            return $"see {log}";
        }
    }
}
