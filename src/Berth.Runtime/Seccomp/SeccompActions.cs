using Berth.Faults;

namespace Berth.Runtime.Seccomp;

/// <summary>The answers a filter can give, by the specification's names and the kernel's numbers (linux/seccomp.h).</summary>
internal static class SeccompActions
{
    public const uint KillProcess = 0x80000000;
    public const uint ENOSYS = 38;
    private const uint KillThread = 0x00000000;
    private const uint Trap = 0x00030000;
    private const uint ErrnoBase = 0x00050000;
    private const uint Notify = 0x7fc00000;
    private const uint TraceBase = 0x7ff00000;
    private const uint LogCall = 0x7ffc0000;
    private const uint Allow = 0x7fff0000;
    private const uint EPERM = 1;
    private const uint DataMask = 0xffff;

    public static uint Errno(uint error) => ErrnoBase | (error & DataMask);

    /// <exception cref="FaultException">InvalidArgument: no such action.</exception>
    public static uint Parse(string name, uint? data) => name switch
    {
        "SCMP_ACT_KILL" or "SCMP_ACT_KILL_THREAD" => KillThread,
        "SCMP_ACT_KILL_PROCESS" => KillProcess,
        "SCMP_ACT_TRAP" => Trap,
        "SCMP_ACT_ERRNO" => Errno(data ?? EPERM),
        "SCMP_ACT_TRACE" => TraceBase | ((data ?? EPERM) & DataMask),
        "SCMP_ACT_ALLOW" => Allow,
        "SCMP_ACT_LOG" => LogCall,
        "SCMP_ACT_NOTIFY" => Notify,
        _ => throw FaultException.Invalid($"seccomp profile: there is no action {name}"),
    };
}
