using System.Runtime.CompilerServices;
using Berth.Faults;
using Berth.Oci.Runtime;
using Berth.Runtime.Seccomp;

namespace Berth.Runtime.Plans;

/// <summary>A compiled system call filter: what a container's further processes get too.</summary>
/// <param name="Program">Instructions of 8 bytes; empty: none.</param>
/// <param name="Flags">Of seccomp(2).</param>
internal sealed record CallFilter(byte[] Program, uint Flags)
{
    // A policy is the same object for most containers (DefaultSeccomp); compiling it takes longer than making its container.
    private static readonly ConditionalWeakTable<SeccompSpec, CallFilter> s_compiled = [];

    /// <summary>No filter.</summary>
    public static CallFilter None { get; } = new([], 0);

    /// <summary>Compiles a policy.</summary>
    /// <exception cref="FaultException">InvalidArgument or NotSupported: see <see cref="SeccompCompiler.Compile"/>.</exception>
    public static CallFilter Compile(SeccompSpec? seccomp)
    {
        if (seccomp is null)
            return None;
        return s_compiled.GetValue(seccomp, CompileNew);
    }

    private static CallFilter CompileNew(SeccompSpec seccomp)
    {
        uint flags = Notifies(seccomp) ? NewListener : 0;
        foreach (string flag in seccomp.Flags ?? [])
        {
            flags |= flag switch
            {
                "SECCOMP_FILTER_FLAG_TSYNC" => 1u,
                "SECCOMP_FILTER_FLAG_LOG" => 2u,
                "SECCOMP_FILTER_FLAG_SPEC_ALLOW" => 4u,
                "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV" => 32u,
                _ => throw FaultException.Invalid($"seccomp flag {flag} is not supported"),
            };
        }
        // With a listener, TSYNC's failure and the listener's number would be the same result: the kernel wants to know which is meant.
        if ((flags & NewListener) != 0 && (flags & 1) != 0)
            flags |= SynchronizeError;
        return new CallFilter(SeccompCompiler.Compile(seccomp), flags);
    }

    /// <summary>SECCOMP_FILTER_FLAG_NEW_LISTENER.</summary>
    public const uint NewListener = 8;

    private const uint SynchronizeError = 16;

    private static bool Notifies(SeccompSpec seccomp)
    {
        const string notify = "SCMP_ACT_NOTIFY";
        if (seccomp.DefaultAction == notify)
            throw FaultException.Invalid("seccomp: SCMP_ACT_NOTIFY cannot be the default action: no call could tell the listener");
        List<SyscallRule> rules = [.. (seccomp.Syscalls ?? []).Where(static rule => rule.Action == notify)];
        if (rules.Count == 0)
            return false;
        if (string.IsNullOrEmpty(seccomp.ListenerPath))
            throw FaultException.Invalid("seccomp: SCMP_ACT_NOTIFY needs a listenerPath");
        return rules.SelectMany(static rule => rule.Names).FirstOrDefault(static name => name is "sendmsg" or "close" or "write") is { } own
            ? throw FaultException.Invalid($"seccomp: SCMP_ACT_NOTIFY cannot be used for {own}: the listener is told by it")
            : true;
    }
}
