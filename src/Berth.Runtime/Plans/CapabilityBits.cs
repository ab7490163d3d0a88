using Berth.Oci.Runtime;

namespace Berth.Runtime.Plans;

/// <summary>The sets of capabilities that a process asks for, as bits. runtime-spec config.md "process"; capabilities(7).</summary>
internal readonly record struct CapabilityBits(ulong Bounding, ulong Permitted, ulong Effective, ulong Inheritable, ulong Ambient)
{
    /// <summary>Reads a process's sets.</summary>
    /// <param name="sets">The sets; null: all are empty.</param>
    /// <param name="unknown">Takes a sentence for what is no capability here; null: that is an error.</param>
    /// <exception cref="Faults.FaultException">InvalidArgument: no such capability.</exception>
    public static CapabilityBits Of(CapabilitiesSpec? sets, IList<string>? unknown) => new(
        Capabilities.Parse(sets?.Bounding, unknown), Capabilities.Parse(sets?.Permitted, unknown),
        Capabilities.Parse(sets?.Effective, unknown), Capabilities.Parse(sets?.Inheritable, unknown),
        Capabilities.Parse(sets?.Ambient, unknown));

    /// <summary>Says what of it a process will not get.</summary>
    /// <param name="host">What whoever makes the process may hand on.</param>
    /// <param name="warnings">Takes the sentences.</param>
    public void Check(ulong host, IList<string> warnings)
    {
        ulong missing = (Bounding | Permitted | Effective | Inheritable) & ~host;
        if (missing != 0)
            warnings.Add($"capabilities left out, this host lacks them: {string.Join(", ", Capabilities.Names(missing))}");
        ulong idle = Effective & host & ~Permitted;
        if (idle != 0)
            warnings.Add($"effective capabilities left out, they are not permitted: {string.Join(", ", Capabilities.Names(idle))}");
    }
}
