using Berth.Runtime.Bundles;

namespace Berth.Runtime.Tests;

/// <summary>.NET's keys, which stand for its texts in a program that has none, are nobody's to read.</summary>
public sealed class FileErrorsTests
{
    private static Exception Io(string message, int error) => new IOException(message) { HResult = error };

    [Fact]
    public void Failures_AreSaidInTheKernelsWords()
    {
        Assert.Equal("open /berth-none: permission denied",
            FileErrors.TextOf(new UnauthorizedAccessException("UnauthorizedAccess_IODenied_Path, /berth-none")));
        Assert.Equal("open /etc: is a directory", FileErrors.TextOf(new UnauthorizedAccessException("UnauthorizedAccess_IODenied_Path, /etc")));
        Assert.Equal("permission denied", FileErrors.TextOf(new UnauthorizedAccessException("UnauthorizedAccess_IODenied_NoPathName")));
        Assert.Equal("open /x: no such file or directory", FileErrors.TextOf(new FileNotFoundException("IO_FileNotFound_FileName, /x")));
        Assert.Equal("/tmp/x: read-only file system", FileErrors.TextOf(Io("Read-only file system : '/tmp/x'", 30)));
        Assert.Equal("/tmp/a, b: file exists", FileErrors.TextOf(Io("IO_FileExists_Name, /tmp/a, b", 17)));
        Assert.Equal("no space left on device", FileErrors.TextOf(Io("IO_DiskFull", 28)));
        Assert.Equal("what it is", FileErrors.TextOf(new IOException("what it is")));
    }
}
