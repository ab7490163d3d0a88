using System.Globalization;
using Berth.Linux;
using Berth.Linux.Processes;

namespace Berth.Daemon.Hosting;

/// <summary>The file that names this process; removed on disposal.</summary>
internal sealed class PidFile : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);
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

    // One that was killed a moment ago is not in the way: it may still give back its memory, and then wait to be asked how it ended.
    private static bool Lives(int pid)
    {
        try
        {
            using ProcessHandle? process = ProcessHandle.Open(pid);
            return process is not null && !process.WaitForEnd(s_patience);
        }
        catch (LinuxException exception) when (exception.Error is Errno.EINVAL or Errno.ENOENT)
        {
            // The number is a thread's now, so no process has it.
            return false;
        }
    }
}
