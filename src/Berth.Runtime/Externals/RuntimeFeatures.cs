using System.Collections.Concurrent;
using System.Text.Json;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Linux.Processes;
using Berth.Runtime.Externals;

namespace Berth.Runtime;

/// <summary>What runtimes of others say that they can. OCI runtime-spec, features.md: <c>runtime features</c> prints it.</summary>
public sealed class RuntimeFeatures
{
    private const long AnswerBytesMax = 1024 * 1024;

    // By path and the time of the program's last change: a newer version may have more.
    private readonly ConcurrentDictionary<(string Path, DateTime Changed), IReadOnlySet<string>> _mountOptions = new();

    /// <summary>True when a runtime names an option of mounts. One that is too old to say anything has none.</summary>
    public bool HasMountOption(ExternalRuntime runtime, string option) => _mountOptions.GetOrAdd(
        (runtime.Path, File.GetLastWriteTimeUtc(runtime.Path)), static (_, asked) => Ask(asked), runtime).Contains(option);

    private static HashSet<string> Ask(ExternalRuntime runtime)
    {
        string answer = Path.GetTempFileName();
        try
        {
            using FileStream file = new(answer, FileMode.Open, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0);
            using FileDescriptor nothing = FileCalls.Open(FileCalls.WorkingDirectory, "/dev/null\0"u8, flags: 2);
            int pid = ProcessSpawner.Spawn(runtime.Path, [runtime.Path, .. runtime.Arguments, "features"],
                [nothing.Number, (int)file.SafeFileHandle.DangerousGetHandle(), nothing.Number], ExternalCommands.Environment, "/");
            if (ProcessSpawner.Wait(pid) != 0 || RandomAccess.GetLength(file.SafeFileHandle) > AnswerBytesMax)
                return [];
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(answer));
            return [.. document.RootElement.GetProperty("mountOptions").EnumerateArray().Select(static option => option.GetString() ?? "")];
        }
        catch (Exception refused) when (refused is LinuxException or JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return [];
        }
        finally
        {
            File.Delete(answer);
        }
    }
}
