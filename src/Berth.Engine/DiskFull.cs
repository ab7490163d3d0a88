using Berth.Faults;
using Berth.Linux;

namespace Berth.Engine;

/// <summary>Says what to do when a disk takes no more.</summary>
internal static class DiskFull
{
    /// <summary>True when a disk is full or read-only; failures of streams are none of the disk's.</summary>
    public static bool IsRefusal(IOException cause) => ErrorOf(cause) is Errno.ENOSPC or Errno.EDQUOT or Errno.EROFS;

    /// <summary>A fault in the place of a refusal by the kernel; other faults pass as they are.</summary>
    /// <param name="attempt">What was attempted.</param>
    /// <param name="directory">On which file system.</param>
    /// <param name="cause">How it was refused.</param>
    public static FaultException Explain(string attempt, string directory, Exception cause)
    {
        if (cause is FaultException fault)
            return fault;
        return ErrorOf(cause) switch
        {
            Errno.ENOSPC or Errno.EDQUOT => FaultException.Unavailable(
                $"{attempt}: no space left on device: free some space on the file system of {directory}", cause),
            Errno.EROFS => FaultException.Unavailable($"{attempt}: the file system of {directory} is read-only", cause),
            _ => FaultException.Internal($"{attempt}: {cause.Message}", cause),
        };
    }

    // .NET's own I/O failures have the error number as their HResult.
    private static int ErrorOf(Exception cause) => cause is LinuxException refused ? refused.Error : cause.HResult;
}
