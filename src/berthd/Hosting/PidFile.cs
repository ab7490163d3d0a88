using System.Globalization;

namespace Berth.Daemon.Hosting;

/// <summary>The file that names this process; removed on disposal.</summary>
internal sealed class PidFile : IDisposable
{
    private const int PatienceMilliseconds = 1000, PollMilliseconds = 20;
    private readonly string _path;

    private PidFile(string path) => _path = path;

    /// <summary>Writes it.</summary>
    /// <exception cref="FaultException">Conflict, in Docker's words: the process named in it lives. Unavailable: not writable.
    /// </exception>
    public static PidFile Write(string path)
    {
        try
        {
            if (File.Exists(path)
                && int.TryParse(File.ReadAllText(path).Trim(), CultureInfo.InvariantCulture, out int pid)
                && pid > 0 && pid != Environment.ProcessId && Lives(pid))
                throw FaultException.Conflict(
                    $"failed to start daemon, ensure docker is not running or delete {path}: process with PID {pid} is still running");
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            File.WriteAllText(path, Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
            return new PidFile(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw FaultException.Unavailable($"write pidfile {path}: {failure.Message}", failure);
        }
    }

    public void Dispose() => File.Delete(_path);

    // One that was killed a moment ago is not in the way: it may still give back its memory, or wait to be asked how it ended.
    private static bool Lives(int pid)
    {
        long until = Environment.TickCount64 + PatienceMilliseconds;
        while (IsThere(pid))
        {
            if (Environment.TickCount64 >= until)
                return true;
            Thread.Sleep(PollMilliseconds);
        }
        return false;
    }

    // proc_pid_stat(5): the state stands behind the name, which may have anything in it.
    private static bool IsThere(int pid)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[stat.LastIndexOf(')')..] is not [_, _, 'Z' or 'X', ..];
        }
        catch (IOException)
        {
            return false;
        }
    }
}
