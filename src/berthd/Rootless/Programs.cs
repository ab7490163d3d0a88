using Berth.Linux;
using Berth.Linux.Processes;

namespace Berth.Daemon.Rootless;

/// <summary>Programs of the machine that an ordinary user's engine needs, because only they may do what they do.</summary>
internal static class Programs
{
    private const string Fallback = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /// <summary>Where they are looked for.</summary>
    public static string SearchPath => Environment.GetEnvironmentVariable("PATH") is { Length: > 0 } path ? path : Fallback;

    /// <summary>Finds one.</summary>
    /// <exception cref="FaultException">Unavailable: it is not installed; and what it is for.</exception>
    public static string Find(string name, string purpose) =>
        $"{SearchPath}:{Fallback}".Split(':').Where(static directory => directory.StartsWith('/'))
            .Select(directory => Path.Combine(directory, name)).FirstOrDefault(File.Exists)
        ?? throw FaultException.Unavailable($"start as an ordinary user: {name} is not installed: {purpose}");

    /// <summary>Runs one to its end.</summary>
    /// <exception cref="FaultException">Unavailable: it failed; and what it said.</exception>
    public static void Run(string path, IReadOnlyList<string> arguments)
    {
        string text = Path.GetTempFileName();
        try
        {
            int? code;
            using (FileStream output = new(text, FileMode.Create, FileAccess.Write, FileShare.Read))
            {
                int sink = (int)output.SafeFileHandle.DangerousGetHandle();
                code = ProcessSpawner.Wait(ProcessSpawner.Spawn(path, [path, .. arguments], [-1, sink, sink]));
            }
            if (code != 0)
                throw FaultException.Unavailable(
                    $"start as an ordinary user: {Path.GetFileName(path)} failed: {File.ReadAllText(text).Trim()}");
        }
        catch (LinuxException exception)
        {
            throw FaultException.Unavailable($"start as an ordinary user: {exception.Message}", exception);
        }
        finally
        {
            File.Delete(text);
        }
    }
}
