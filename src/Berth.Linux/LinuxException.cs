using System.Runtime.InteropServices;

namespace Berth.Linux;

/// <summary>The kernel refused a call. Where its meaning is known, the caller makes a fault of it.</summary>
public sealed class LinuxException : IOException
{
    /// <summary>Makes the refusal of one call.</summary>
    /// <param name="call">The call's name as in its man page, such as <c>openat2</c>.</param>
    /// <param name="what">The object it was tried on: a path, a pid, an interface.</param>
    /// <param name="error">The error number.</param>
    public LinuxException(string call, string what, int error)
        : base($"{call} {what}: {Marshal.GetPInvokeErrorMessage(error)}")
    {
        Call = call;
        Error = error;
    }

    /// <summary>The call's name as in its man page.</summary>
    public string Call { get; }

    /// <summary>The error number: one of <see cref="Errno"/>.</summary>
    public int Error { get; }

    /// <summary>Makes the refusal of the call that this thread has just made.</summary>
    public static LinuxException FromLastError(string call, string what) =>
        new(call, what, Marshal.GetLastPInvokeError());
}
