using Berth.Linux.Files;

namespace Berth.Linux.Tests;

public sealed class FileLockTests : IDisposable
{
    private readonly string _path = Path.Join(Path.GetTempPath(), $"berth-lock-{Guid.NewGuid():N}");

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void Unlock_GivesTheLockBack_AlsoWhileAStartingProcessHasTheFile()
    {
        FileDescriptor first = Open();
        Assert.Equal(0, TryLock(first));
        // As a process has it until it runs its program.
        using FileDescriptor copy = first.Duplicate();
        FileCalls.Unlock(first);
        FileCalls.Unlock(first);
        using FileDescriptor second = Open();
        Assert.Equal(0, TryLock(second));
        Assert.Equal(Errno.EAGAIN, TryLock(copy));
    }

    private FileDescriptor Open() => FileCalls.Open(
        FileCalls.WorkingDirectory, FileCalls.PathOf(_path), FileCalls.O_RDWR | FileCalls.O_CREAT, 0x180);

    private static int TryLock(FileDescriptor file) => FileCalls.TryLock(file, FileCalls.LOCK_EX | FileCalls.LOCK_NB);
}
