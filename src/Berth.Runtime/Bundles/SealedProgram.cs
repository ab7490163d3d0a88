using Berth.Linux;
using Berth.Linux.Files;
using Berth.Linux.Mounts;
using Berth.Linux.Processes;
using Berth.Runtime.Monitors;

namespace Berth.Runtime.Bundles;

/// <summary>
/// This program's file as no container can write to it: seen through a file system that is read-only for good. Where that cannot be
/// mounted, it is a sealed copy in memory.
/// </summary>
internal sealed class SealedProgram(string path) : IStageProgram, IDisposable
{
    private FileDescriptor? _descriptor;
    private string? _executable;

    /// <inheritdoc/>
    public string Executable => _executable ??= Open();

    private string Open()
    {
        if (UserNamespace.IsMachinesRoot)
        {
            try
            {
                _descriptor = DetachedMounts.ReadOnlyView(Path.GetDirectoryName(path)!);
                return $"/proc/{Environment.ProcessId}/fd/{_descriptor.Number}/{Path.GetFileName(path)}";
            }
            catch (LinuxException)
            {
                // An older kernel, or on a file system that no overlay takes: a copy costs a millisecond more and is as safe.
            }
        }
        _descriptor = MemoryFile.CreateSealed("berth-runtime", File.ReadAllBytes(path), executable: true);
        return $"/proc/{Environment.ProcessId}/fd/{_descriptor.Number}";
    }

    /// <inheritdoc/>
    public void Dispose() => _descriptor?.Dispose();
}
