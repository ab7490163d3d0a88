using Berth.Faults;
using Berth.Oci.Runtime;

namespace Berth.Runtime.Bundles;

/// <summary>Cgroups as units of systemd.</summary>
internal static class SystemdCgroup
{
    /// <summary>Refuses them.</summary>
    /// <exception cref="FaultException">NotSupported: always.</exception>
    public static string Refuse(string unit) =>
        throw new FaultException(FaultKind.NotSupported, $"cgroup {unit}: --systemd-cgroup is not supported: use cgroupfs paths");
}
