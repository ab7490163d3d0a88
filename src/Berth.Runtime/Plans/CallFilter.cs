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
        if (seccomp.ListenerPath is not null)
            throw new FaultException(FaultKind.NotSupported, "seccomp notify listeners are not supported");
        uint flags = 0;
        foreach (string flag in seccomp.Flags ?? [])
        {
            flags |= flag switch
            {
                "SECCOMP_FILTER_FLAG_TSYNC" => 1u,
                "SECCOMP_FILTER_FLAG_LOG" => 2u,
                "SECCOMP_FILTER_FLAG_SPEC_ALLOW" => 4u,
                _ => throw FaultException.Invalid($"seccomp flag {flag} is not supported"),
            };
        }
        return new CallFilter(SeccompCompiler.Compile(seccomp), flags);
    }
}
