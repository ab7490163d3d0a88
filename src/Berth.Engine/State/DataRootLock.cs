using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Engine.State;

/// <summary>Keeps a second engine off a data root. The kernel lets go of it with the process, so that a crash leaves nothing to
/// clean up.</summary>
internal sealed class DataRootLock : IDisposable
{
    private readonly FileDescriptor _file;

    private DataRootLock(FileDescriptor file) => _file = file;

    /// <exception cref="FaultException">Conflict: another engine uses the directory.</exception>
    public static DataRootLock Take(string dataRoot)
    {
        string path = Path.Combine(dataRoot, "engine.lock");
        FileDescriptor file = FileCalls.Open(
            FileCalls.WorkingDirectory, FileCalls.PathOf(path), FileCalls.O_RDWR | FileCalls.O_CREAT, 0x180);
        if (FileCalls.TryLock(file, FileCalls.LOCK_EX | FileCalls.LOCK_NB) == 0)
            return new DataRootLock(file);
        file.Dispose();
        throw FaultException.Conflict(
            $"open engine: {dataRoot}: another engine uses this data root; stop it or choose another --data-root");
    }

    public void Dispose() => FileCalls.Unlock(_file);
}
